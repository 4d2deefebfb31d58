/**
 * Builds minidumps by hand, with labels for places that are not known yet, in either byte order:
 *
 *     new DumpBuilder('big').stream(3, (s) => s.u32(1)...at('context')).data('context', (s) => s.zeros(1004)).finish()
 */
export type ByteOrder = 'little' | 'big';
type Fill = (bytes: Bytes) => unknown;

interface Reference {
  readonly offset: number;
  readonly label: string;
  readonly kind: 'rva' | 'rva64' | 'size';
}

/** Bytes that grow at the end. */
export class Bytes {
  readonly littleEndian: boolean;
  readonly references: Reference[] = [];
  #bytes = Buffer.alloc(0);

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  get length(): number {
    return this.#bytes.length;
  }

  #append(size: number, write: (view: DataView) => void): this {
    const more = Buffer.alloc(size);
    write(new DataView(more.buffer, more.byteOffset, size));
    return this.raw(more);
  }

  raw(bytes: Uint8Array): this {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    return this;
  }

  zeros(size: number): this {
    return this.raw(Buffer.alloc(size));
  }

  u8(...values: number[]): this {
    return this.raw(Buffer.from(values));
  }

  u16(...values: number[]): this {
    for (const value of values) this.#append(2, (view) => view.setUint16(0, value, this.littleEndian));
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) this.#append(4, (view) => view.setUint32(0, value, this.littleEndian));
    return this;
  }

  u64(...values: (number | bigint)[]): this {
    for (const value of values) this.#append(8, (view) => view.setBigUint64(0, BigInt(value), this.littleEndian));
    return this;
  }

  /** UTF-16 text in a fixed number of units, or just its own. */
  utf16(text: string, units = text.length): this {
    const codes = Array.from({ length: units }, (_, i) => (i < text.length ? text.charCodeAt(i) : 0));
    return this.u16(...codes);
  }

  /** u32: the offset of what `label` names. */
  rva(label: string): this {
    this.references.push({ offset: this.length, label, kind: 'rva' });
    return this.zeros(4);
  }

  rva64(label: string): this {
    this.references.push({ offset: this.length, label, kind: 'rva64' });
    return this.zeros(8);
  }

  size(label: string): this {
    this.references.push({ offset: this.length, label, kind: 'size' });
    return this.zeros(4);
  }

  /** A location: size and offset of what `label` names. */
  at(label: string): this {
    return this.size(label).rva(label);
  }

  finish(place: (label: string) => { offset: number; size: number }): Buffer {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    for (const { offset, label, kind } of this.references) {
      const target = place(label);
      if (kind === 'rva64') view.setBigUint64(offset, BigInt(target.offset), this.littleEndian);
      else view.setUint32(offset, kind === 'rva' ? target.offset : target.size, this.littleEndian);
    }
    return this.#bytes;
  }
}

export class DumpBuilder {
  readonly littleEndian: boolean;
  readonly #parts: { label: string; bytes: Bytes }[] = [];
  readonly #streams: { type: number; label: string }[] = [];

  constructor(order: ByteOrder = 'little') {
    this.littleEndian = order === 'little';
  }

  #fill(fill: Fill): Bytes {
    const bytes = new Bytes(this.littleEndian);
    fill(bytes);
    return bytes;
  }

  stream(type: number, fill: Fill): this {
    const label = `stream ${this.#streams.length}`;
    this.#streams.push({ type, label });
    return this.data(label, fill);
  }

  data(label: string, fill: Fill): this {
    this.#parts.push({ label, bytes: this.#fill(fill) });
    return this;
  }

  /** An MDString. */
  text(label: string, text: string): this {
    return this.data(label, (s) =>
      s
        .u32(text.length * 2)
        .utf16(text)
        .u16(0),
    );
  }

  /** Crashpad's MinidumpUTF8String. */
  utf8(label: string, text: string): this {
    return this.data(label, (s) => s.u32(Buffer.byteLength(text)).raw(Buffer.from(text)).u8(0));
  }

  finish(): Buffer {
    const places = new Map<string, { offset: number; size: number }>();
    let offset = 32 + 12 * this.#streams.length;
    for (const { label, bytes } of this.#parts) {
      if (places.has(label)) throw new Error(`label ${label} is there twice`);
      places.set(label, { offset, size: bytes.length });
      offset += Math.ceil(bytes.length / 8) * 8;
    }
    const place = (label: string): { offset: number; size: number } => {
      const found = places.get(label);
      if (found === undefined) throw new Error(`no label ${label}`);
      return found;
    };
    const head = this.#fill((s) => {
      s.u32(0x504d444d, 0xa793, this.#streams.length, 32, 0, 1_700_000_000).u64(0);
      for (const { type, label } of this.#streams) s.u32(type).at(label);
    });
    const parts = this.#parts.map(({ bytes }) => {
      const data = bytes.finish(place);
      return Buffer.concat([data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
    });
    return Buffer.concat([head.finish(place), ...parts]);
  }
}
