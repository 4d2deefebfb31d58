/**
 * Bytes addressed by offset: a file, a part of one, a decompressed section, an ELF image in a process's memory.
 */
export interface ByteSource {
  /** Offsets at and beyond this are never there. Declared, not proven: a source over memory may have holes. */
  readonly size: number;
  /**
   * The bytes from `offset`, at most `length` of them, fewer where they end or stop being readable, none for a negative
   * or fractional offset. Never throws. What is returned may be a view of the source: do not write to it.
   */
  bytes(offset: number, length: number): Uint8Array;
}

const NONE = new Uint8Array(0);

function valid(offset: number, length: number): boolean {
  return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
}

/** A whole buffer. */
export class BufferSource implements ByteSource {
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!valid(offset, length) || offset >= this.size) return NONE;
    return this.#bytes.subarray(offset, Math.min(this.size, offset + length));
  }
}

/** The part of another source that begins at `offset`, at most `size` bytes long. */
export class SliceSource implements ByteSource {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;

  constructor(source: ByteSource, offset: number, size: number = Number.MAX_SAFE_INTEGER) {
    this.#source = source;
    this.#offset = offset;
    this.size = Math.max(0, Math.min(size, source.size - offset));
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!valid(offset, length) || offset >= this.size) return NONE;
    return this.#source.bytes(this.#offset + offset, Math.min(length, this.size - offset));
  }
}
