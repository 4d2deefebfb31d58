/** The mappings of a dump: /proc/PID/maps where the dump has it, else its modules and memory. */

import { StreamType } from '../../minidump/format/stream-types.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import type { Mapping } from '../../unwind/mapping.js';

/** A mapping with the permissions as its line printed them. */
export interface DumpMapping extends Mapping {
  /** `rwxp` */
  readonly perms: string;
}

const PROT = { r: 1, w: 2, x: 4 } as const;

function protOf(perms: string): number {
  let prot = 0;
  if (perms[0] === 'r') prot |= PROT.r;
  if (perms[1] === 'w') prot |= PROT.w;
  if (perms[2] === 'x') prot |= PROT.x;
  return prot;
}

/** All mappings, ascending and disjoint. Empty when the dump tells of none. */
export function mappingsOf(dump: Minidump): DumpMapping[] {
  const maps = dump.tolerate(() => dump.maps, null);
  if (maps === null) return modulesAsMappings(dump);
  const mappings = maps.map((map) => ({ ...map, prot: protOf(map.perms) }));
  const kernel = dump.tolerate(() => kernelMapping(dump), null);
  if (kernel !== null) mappings.push(kernel);
  return mappings;
}

/**
 * x86_64's `ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]`, always the last line: above
 * 2^53, yet exact as a Number since it is page-aligned.
 */
function kernelMapping(dump: Minidump): DumpMapping | null {
  const bytes = dump.stream(StreamType.linuxMaps);
  if (bytes === null) return null;
  const tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - 256))).toString('latin1');
  const match = /(?:^|\n)([89a-f][0-9a-f]{12}000)-([89a-f][0-9a-f]{12}000) ([r-][w-][x-][ps]) .*(\[vsyscall\])\n$/.exec(
    tail,
  );
  if (match === null) return null;
  const [, from = '', to = '', perms = '', name = ''] = match;
  const [start, end] = [Number(`0x${from}`), Number(`0x${to}`)];
  return end > start ? { start, end, perms, prot: protOf(perms), offset: 0, name, device: '00:00', inode: 0 } : null;
}

/** Dumps of other systems' writers: a module is one mapping that can be read and executed. */
function modulesAsMappings(dump: Minidump): DumpMapping[] {
  const modules = dump.tolerate(() => dump.modules, null) ?? [];
  const sorted = modules
    .filter(({ base, size }) => size > 0 && base + size <= Number.MAX_SAFE_INTEGER)
    .sort((a, b) => a.base - b.base);
  const mappings: DumpMapping[] = [];
  let end = 0;
  for (const { base, size, name } of sorted) {
    if (base < end) continue;
    end = base + size;
    mappings.push({ start: base, end, perms: 'r-xp', prot: 5, offset: 0, name, device: '', inode: 0 });
  }
  return mappings;
}
