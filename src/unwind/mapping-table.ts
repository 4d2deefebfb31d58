/** The mappings of a process, found by address. */
import { isDevicePath } from '../linux/device-path.js';
import type { Mapping } from './mapping.js';

const PROT_EXEC = 4;
/** How far back a search goes among mappings that overlap. */
const MAX_OVERLAP = 1024;

/** The mappings of a process in order of address, found by binary search. */
export class MappingTable {
  readonly mappings: readonly Mapping[];
  /** 1 for device memory. */
  readonly device: Uint8Array;
  /** Whether there is device memory at all. */
  readonly hasDevice: boolean;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** The highest end of the mappings up to each. */
  readonly #reach: Float64Array;
  readonly #overlap: boolean;
  /** Where the last address was found: most lookups fall there again. */
  #last = -1;

  /** @param mappings in any order; of two that overlap, the one that begins later wins */
  constructor(mappings: readonly Mapping[]) {
    const sorted = mappings.filter((mapping) => mapping.end > mapping.start).sort((a, b) => a.start - b.start);
    this.mappings = sorted;
    this.device = Uint8Array.from(sorted, (mapping) => (isDevice(mapping) ? 1 : 0));
    this.hasDevice = this.device.includes(1);
    this.#starts = Float64Array.from(sorted, (mapping) => mapping.start);
    this.#ends = Float64Array.from(sorted, (mapping) => mapping.end);
    this.#reach = this.#ends.slice();
    let overlap = false;
    for (let i = 1; i < sorted.length; i++) {
      overlap ||= this.#starts[i]! < this.#reach[i - 1]!;
      this.#reach[i] = Math.max(this.#reach[i]!, this.#reach[i - 1]!);
    }
    this.#overlap = overlap;
  }

  /** Index of the mapping that holds an address; -1 when none does. */
  find(address: number): number {
    const last = this.#last;
    if (last >= 0 && address >= this.#starts[last]! && address < this.#ends[last]!) return last;
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    // Behind a mapping that lies inside another, the other goes on.
    for (let index = low - 1, i = 0; index >= 0 && i < MAX_OVERLAP && address < this.#reach[index]!; index--, i++) {
      if (address >= this.#ends[index]!) continue;
      if (!this.#overlap) this.#last = index;
      return index;
    }
    return -1;
  }

  isExecutable(address: number): boolean {
    const index = this.find(address);
    return index >= 0 && (this.mappings[index]!.prot & PROT_EXEC) !== 0;
  }

  /**
   * The mapping before (`step` -1) or behind (1) that belongs to the same file: nameless inaccessible mappings, with
   * which linkers fill the gaps between segments, are stepped over. Null when the next real one has another name, or
   * this one has none.
   */
  neighbour(index: number, step: -1 | 1): Mapping | null {
    const name = this.mappings[index]?.name ?? '';
    if (name === '') return null;
    for (let i = index + step; ; i += step) {
      const mapping = this.mappings[i];
      if (mapping === undefined) return null;
      if (mapping.prot === 0 && mapping.offset === 0 && mapping.name === '') continue;
      return mapping.name === name ? mapping : null;
    }
  }
}

/** Device memory, which must never be unwound through. */
export function isDevice(mapping: Mapping): boolean {
  return isDevicePath(mapping.name);
}
