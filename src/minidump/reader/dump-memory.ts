/**
 * The memory that a dump holds, by address: memory list, memory64 list and thread stacks as one `Memory`. Regions may
 * overlap, lie outside the file, or be cut by its end: what is there is read, and nothing else.
 */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { Memory } from '../../bytes/memory.js';
import type { MinidumpRegion } from './regions.js';

const MAX_ADDRESS = 2 ** 53;

export class DumpMemory implements Memory {
  readonly #source: ByteSource;
  /** Disjoint, ascending. */
  readonly regions: readonly MinidumpRegion[];

  constructor(source: ByteSource, regions: Iterable<MinidumpRegion>) {
    this.#source = source;
    this.regions = disjoint(regions, source.size);
  }

  read(address: number, into: Uint8Array): number {
    let index = this.#find(address);
    let done = 0;
    while (done < into.length) {
      const region = this.regions[index];
      const at = address + done;
      if (region === undefined || at < region.address || at >= region.address + region.size) break;
      const offset = at - region.address;
      const length = Math.min(into.length - done, region.size - offset);
      const bytes = this.#source.bytes(region.rva + offset, length);
      into.set(bytes, done);
      done += bytes.length;
      if (bytes.length < length) break;
      index++;
    }
    return done;
  }

  /** Index of the last region that begins at or below `address`, or -1. */
  #find(address: number): number {
    let low = 0;
    let high = this.regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.regions[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function disjoint(regions: Iterable<MinidumpRegion>, fileSize: number): MinidumpRegion[] {
  const usable: MinidumpRegion[] = [];
  for (const { address, size, rva } of regions) {
    const there = Math.min(size, fileSize - rva);
    if (there > 0 && address + there <= MAX_ADDRESS) usable.push({ address, size: there, rva });
  }
  usable.sort((a, b) => a.address - b.address);
  const result: MinidumpRegion[] = [];
  let end = 0;
  for (const { address, size, rva } of usable) {
    const skip = Math.max(0, end - address);
    if (skip >= size) continue;
    result.push({ address: address + skip, size: size - skip, rva: rva + skip });
    end = address + size;
  }
  return result;
}
