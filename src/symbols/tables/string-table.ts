/** ELF string tables. */
import type { ByteSource } from '../../bytes/byte-source.js';

/** Longer names are cut: nothing prints them, and a table without a NUL must not become one name. */
const MAX_NAME = 16_384;

/** The strings of an ELF string table, read where they are needed. */
export class StringTable {
  readonly #bytes: ByteSource;
  readonly #start: number;
  readonly #size: number;

  /** `start`: offset of the table in `bytes`. */
  constructor(bytes: ByteSource, start: number, size: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#size = size;
  }

  /**
   * The string at `offset`; '' when there is none, or none that ends inside the table. Bytes that are not UTF-8 become
   * U+FFFD.
   */
  at(offset: number): string {
    for (let want = 256; ; want *= 8) {
      const limit = Math.min(this.#size - offset, MAX_NAME, want);
      const bytes = this.#bytes.bytes(this.#start + offset, limit);
      const end = bytes.indexOf(0);
      if (end >= 0) return Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('utf8');
      if (bytes.length < want) return bytes.length < MAX_NAME ? '' : Buffer.from(bytes).toString('utf8');
    }
  }

  /** Whether the string at `offset` is `wanted` (given with its NUL). */
  is(offset: number, wanted: Uint8Array): boolean {
    if (offset + wanted.length > this.#size) return false;
    return Buffer.compare(this.#bytes.bytes(this.#start + offset, wanted.length), wanted) === 0;
  }
}
