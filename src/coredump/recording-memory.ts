/** Memory that remembers what was read through it. */
import type { Memory } from '../bytes/memory.js';
import type { CopyRange } from '../minidump/writer/copy-plan.js';

/** Remembers what was read through it: whoever reads the same again from a copy needs just that. */
export class RecordingMemory implements Memory {
  readonly #memory: Memory;
  readonly ranges: CopyRange[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  read(address: number, into: Uint8Array): number {
    const size = this.#memory.read(address, into);
    if (size > 0) this.ranges.push({ address, size });
    return size;
  }
}
