import type { Memory } from '../../src/bytes/memory.js';
import type { Mapping } from '../../src/unwind/mapping.js';

/** Memory made of blocks that a test puts where it wants them; of two at one place the later. */
export class SparseMemory implements Memory {
  readonly #blocks: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  /** Reads so far: for tests that bound them. */
  reads = 0;

  put(start: number, bytes: Uint8Array): this {
    this.#blocks.unshift({ start, bytes });
    return this;
  }

  read(address: number, into: Uint8Array): number {
    this.reads++;
    for (const { start, bytes } of this.#blocks) {
      const offset = address - start;
      if (!(offset >= 0) || offset >= bytes.length) continue;
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    }
    return 0;
  }
}

export function mapping(start: number, size: number, fields: Partial<Mapping> = {}): Mapping {
  return { start, end: start + size, prot: 1, offset: 0, name: '', device: '', inode: 0, ...fields };
}
