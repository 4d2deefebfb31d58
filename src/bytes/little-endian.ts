/**
 * Little-endian fields of a byte array, bounds-checked: what lies outside reads as NaN, which fails every comparison
 * and every safe-integer check that follows.
 */
export class LittleEndian {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(at: number): number {
    return this.#has(at, 1) ? this.#view.getUint8(at) : Number.NaN;
  }

  u16(at: number): number {
    return this.#has(at, 2) ? this.#view.getUint16(at, true) : Number.NaN;
  }

  u32(at: number): number {
    return this.#has(at, 4) ? this.#view.getUint32(at, true) : Number.NaN;
  }

  i16(at: number): number {
    return this.#has(at, 2) ? this.#view.getInt16(at, true) : Number.NaN;
  }

  i32(at: number): number {
    return this.#has(at, 4) ? this.#view.getInt32(at, true) : Number.NaN;
  }

  /** Above 2^53 the result is rounded, and no safe integer. */
  u64(at: number): number {
    return this.#has(at, 8)
      ? this.#view.getUint32(at + 4, true) * 0x100000000 + this.#view.getUint32(at, true)
      : Number.NaN;
  }

  /** A word of 4 or 8 bytes. */
  word(at: number, size: 4 | 8): number {
    return size === 8 ? this.u64(at) : this.u32(at);
  }

  /** The bytes up to a NUL as text, at most `limit` of them; '' when `at` is outside. */
  text(at: number, limit: number): string {
    if (!(at >= 0 && at < this.length)) return '';
    const end = Math.min(this.length, at + limit);
    let stop = at;
    while (stop < end && this.bytes[stop] !== 0) stop++;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, stop - at).toString('utf8');
  }

  #has(at: number, size: number): boolean {
    return at >= 0 && at + size <= this.length && Number.isInteger(at);
  }
}
