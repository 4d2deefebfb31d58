/**
 * The bytes of a process, wherever they come from: a live target, a minidump, a core file, an ELF file, a test's
 * buffer. Addresses are Numbers (below 2^53; tags are stripped before).
 */
export interface Memory {
  /**
   * Copies the bytes at `address` into `into`, up to its length, stopping at the first byte that is not there.
   * Returns the number of bytes copied, 0 when nothing is readable. Never throws.
   */
  read(address: number, into: Uint8Array): number;
}

/** One block of bytes at one address. */
export class BufferMemory implements Memory {
  readonly #start: number;
  readonly #bytes: Uint8Array;

  constructor(start: number, bytes: Uint8Array) {
    this.#start = start;
    this.#bytes = bytes;
  }

  read(address: number, into: Uint8Array): number {
    const offset = address - this.#start;
    if (!(offset >= 0) || offset >= this.#bytes.length) return 0;
    const length = Math.min(into.length, this.#bytes.length - offset);
    into.set(this.#bytes.subarray(offset, offset + length));
    return length;
  }
}
