import type { Memory } from '../../src/memory/memory.js';

/** Memory of blocks that tests put where they want them; counts its reads. */
export class SparseMemory implements Memory {
  reads = 0;
  readonly #blocks: { readonly address: number; readonly bytes: Uint8Array }[] = [];

  put(address: number, bytes: Uint8Array): void {
    this.#blocks.push({ address, bytes });
  }

  read(address: number, into: Uint8Array): number {
    this.reads++;
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      const { address: start, bytes } = this.#blocks[i]!;
      const offset = address - start;
      if (offset < 0 || offset >= bytes.length) continue;
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    }
    return 0;
  }
}
