/** The address space of a core as /proc/PID/maps lines: permissions from its segments, names from NT_FILE. */

import { Auxv } from '../linux/auxv.js';
import type { AuxvEntry } from '../minidump/reader/linux-streams.js';
import { SegmentFlag } from '../objects/elf/layout.js';
import type { CoreFile, CoreMappedFile } from './core-file.js';

/** Device and inode are not in a core: they are written as an anonymous mapping's. */
const NO_FILE = '00:00 0';

const PAGE = 4096;

interface Line {
  start: number;
  end: number;
  readonly flags: number;
  readonly file: CoreMappedFile | null;
}

/** Text as the kernel prints it, ascending. Segments above 2^53 (x86_64's [vsyscall]) are left out. */
export function mapsOfCore(core: CoreFile, auxv: readonly AuxvEntry[]): Buffer {
  const vdso = Number(auxv.find(({ type }) => type === Auxv.AT_SYSINFO_EHDR)?.value ?? -1n);
  // The kernel puts the program's name at the top of the main thread's stack.
  const stackTop = Number(auxv.find(({ type }) => type === Auxv.AT_EXECFN)?.value ?? -1n);
  const text = linesOf(core).map(({ start, end, flags, file }) => {
    let name = file?.name.replaceAll('\n', '\\012') ?? '';
    if (file === null && vdso === start) name = '[vdso]';
    if (file === null && stackTop >= start && stackTop < end) name = '[stack]';
    return line(start, end, flags, file === null ? 0 : file.offset + start - file.start, name);
  });
  return Buffer.from(text.join(''));
}

/**
 * The kernel makes a segment of each mapping; other writers split mappings where captured memory begins and ends. Segments are one
 * line when one file's entry holds them, or when they meet where no mapping can end.
 */
function linesOf(core: CoreFile): Line[] {
  const files = [...core.files].sort((a, b) => a.start - b.start);
  const lines: Line[] = [];
  let next = 0;
  for (const { address, memorySize, flags } of core.segments) {
    const end = address + memorySize;
    if (memorySize === 0 || end > Number.MAX_SAFE_INTEGER) continue;
    while (next < files.length && files[next]!.end <= address) next++;
    const candidate = files[next];
    const file = candidate !== undefined && candidate.start <= address && end <= candidate.end ? candidate : null;
    const last = lines.at(-1);
    const meets = last !== undefined && last.end === address && last.file === file;
    if (meets && (file !== null || address % PAGE !== 0)) last.end = end;
    else lines.push({ start: address, end, flags, file });
  }
  return lines;
}

function line(start: number, end: number, flags: number, offset: number, name: string): string {
  const perms = `${flags & SegmentFlag.r ? 'r' : '-'}${flags & SegmentFlag.w ? 'w' : '-'}${flags & SegmentFlag.x ? 'x' : '-'}p`;
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const head = `${hex(start)}-${hex(end)} ${perms} ${hex(offset)} ${NO_FILE} `;
  return `${name === '' ? head : `${head.padEnd(73)}${name}`}\n`;
}
