/** Names the functions that the words of the stacks point into: those words that a report shows. */
import type { Arch } from '../../arch/arch.js';
import type { Memory } from '../../bytes/memory.js';
import { mapAt } from '../model/map-index.js';
import type { MapReport, ThreadReport } from '../model/report.js';
import { STACK_WORDS, stackSegments } from '../model/stack-segments.js';
import type { FunctionName } from './unwound-report.js';

/** Words looked at in all stacks: more than a tombstone has room for. */
const MAX_WORDS = 1 << 18;

export interface NamedStacks {
  readonly arch: Arch;
  readonly threads: readonly ThreadReport[];
  readonly maps: readonly MapReport[];
  readonly memory: Memory;
}

/** By address: what the values on the stacks are in named mappings, as `functionAt` says. */
export function stackNames(
  { arch, threads, maps, memory }: NamedStacks,
  functionAt: (address: number) => FunctionName | null,
): Map<number, FunctionName> {
  const names = new Map<number, FunctionName>();
  const size = arch.wordSize;
  const bytes = new Uint8Array(STACK_WORDS * size);
  const view = new DataView(bytes.buffer);
  const asked = new Set<number>();
  let budget = MAX_WORDS;
  for (const { frames } of threads) {
    for (const { address, words } of stackSegments(frames, size)) {
      budget -= words;
      if (budget < 0) return names;
      const read = memory.read(address, bytes.subarray(0, words * size));
      for (let at = 0; at + size <= read; at += size) {
        const high = size === 8 ? view.getUint32(at + 4, true) : 0;
        // No mapping that reports name lies above 2^53.
        if (high >= 0x200000) continue;
        const value = high * 2 ** 32 + view.getUint32(at, true);
        if (asked.has(value)) continue;
        asked.add(value);
        const map = mapAt(maps, value);
        if (map === null || map.name === '') continue;
        const found = functionAt(value);
        if (found !== null) names.set(value, found);
      }
    }
  }
  return names;
}
