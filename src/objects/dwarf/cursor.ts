/**
 * Reads the fields of DWARF sections one after another. A read past the end (of the section or of the part set by
 * `end`) returns 0 and sets `failed`, so that a parser checks once at its end instead of at every field.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  /** Position of the next byte. */
  at = 0;
  /** Exclusive; at most `bytes.length`. */
  end: number;
  failed = false;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Starts over at `from`, up to `to`. */
  range(from: number, to: number): void {
    this.failed = !(from >= 0 && from <= to && to <= this.bytes.length);
    this.at = this.failed ? 0 : from;
    this.end = this.failed ? 0 : to;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  i8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getInt8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  i16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getInt16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  i32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getInt32(at, true);
  }

  /** Rounded above 2^53. */
  u64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getUint32(at + 4, true) * 0x100000000 + this.#view.getUint32(at, true);
  }

  /** Rounded beyond +-2^53. */
  i64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getInt32(at + 4, true) * 0x100000000 + this.#view.getUint32(at, true);
  }

  /** Exact. */
  bigU64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  /** Unsigned LEB128; rounded above 2^53. A number longer than 10 bytes fails. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    this.failed = true;
    return 0;
  }

  /** Signed LEB128; rounded beyond +-2^53. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return (byte & 0x40) !== 0 ? value - scale : value;
    }
    this.failed = true;
    return 0;
  }

  /** LEB128 as it is, for values that use all 64 bits. */
  bigLeb(signed: boolean): bigint {
    let value = 0n;
    for (let i = 0, shift = 0n; i < 10; i++, shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return signed && (byte & 0x40) !== 0 ? value - (1n << (shift + 7n)) : value;
    }
    this.failed = true;
    return 0n;
  }

  skip(count: number): void {
    if (count >= 0 && count <= this.remaining) this.at += count;
    else this.failed = true;
  }

  #take(size: number): number {
    const at = this.at;
    if (at + size > this.end) {
      this.failed = true;
      return -1;
    }
    this.at = at + size;
    return at;
  }
}
