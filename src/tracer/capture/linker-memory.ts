/**
 * Where the dynamic linker keeps its list of loaded libraries, by the maps alone: no pointer of the target is followed
 * here. A debugger goes from the program's .dynamic by r_debug to the link_map of each library and its name. .dynamic
 * lies in the program's data made read-only after relocation (RELRO) or right behind it; r_debug in the linker's own
 * data; the link_maps of libraries that the program was linked with in that too or in small anonymous mappings below it
 * (glibc's rtld-malloc.c). Those of libraries that were opened later lie on the heap: they are not copied.
 */

import { type MapsEntry, mappingIndex } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';

const KIB = 1024;
/** The end of a large RELRO area: .dynamic is followed by .got alone. */
const RELRO_BYTES = 32 * KIB;
const DATA_BYTES = 16 * KIB;
const LINKER_BYTES = 64 * KIB;
/** A larger mapping is somebody else's. */
const SMALL_BYTES = 64 * KIB;
const ALL_BYTES = 256 * KIB;
/** Mappings below the linker that are looked at. */
const MAX_BELOW = 256;

/** `entry`, `linker`: AT_ENTRY and AT_BASE; the second is 0 for a static program, which has no list. */
export function linkerRanges(mappings: readonly MapsEntry[], entry: number, linker: number): CopyRange[] {
  const program = mappingIndex(mappings, entry);
  const own = mappingIndex(mappings, linker);
  if (linker <= 0 || program < 0 || own < 0) return [];
  const ranges: CopyRange[] = [];
  let left = ALL_BYTES;
  const add = (start: number, end: number): void => {
    if (end <= start || end - start > left) return;
    left -= end - start;
    ranges.push({ address: start, size: end - start });
  };
  for (let i = program + 1; i < mappings.length && sameFile(mappings, i, program); i++) {
    const { start, end, perms } = mappings[i]!;
    if (perms.startsWith('r--')) add(Math.max(start, end - RELRO_BYTES), end);
    else if (perms.startsWith('rw-')) add(start, Math.min(end, start + DATA_BYTES));
  }
  for (let i = own; i < mappings.length && (sameFile(mappings, i, own) || isBss(mappings, i)); i++) {
    const { start, end, perms } = mappings[i]!;
    if (perms.startsWith('rw-')) add(start, Math.min(end, start + LINKER_BYTES));
  }
  // Made before the libraries that they tell of were mapped, from the linker downwards.
  for (let i = own - 1; i > Math.max(program, own - MAX_BELOW); i--) {
    const { start, end, perms, inode, name } = mappings[i]!;
    if (inode === 0 && name === '' && perms.startsWith('rw-') && end - start <= SMALL_BYTES) add(start, end);
  }
  return ranges;
}

function sameFile(mappings: readonly MapsEntry[], index: number, other: number): boolean {
  const { inode, device } = mappings[index]!;
  return inode !== 0 && inode === mappings[other]!.inode && device === mappings[other]!.device;
}

/** Anonymous memory that goes on where a file's last page ends. */
function isBss(mappings: readonly MapsEntry[], index: number): boolean {
  const { start, inode, name } = mappings[index]!;
  return inode === 0 && name === '' && mappings[index - 1]?.end === start;
}
