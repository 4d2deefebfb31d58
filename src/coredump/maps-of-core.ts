/** The address space of a core as /proc/PID/maps lines: permissions from its segments, names from NT_FILE. */

import { MemorySource } from '../bytes/memory-source.js';
import { Auxv } from '../linux/auxv.js';
import type { AuxvEntry } from '../minidump/reader/linux-streams.js';
import { ElfFile } from '../objects/elf/elf-file.js';
import { SegmentFlag, SegmentType } from '../objects/elf/layout.js';
import type { CoreFile, CoreMappedFile } from './core-file.js';

/** Device and inode are not in a core: they are written as an anonymous mapping's. */
const NO_FILE = '00:00 0';

const PAGE = 4096;

interface Line {
  readonly start: number;
  readonly end: number;
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
 * The kernel makes a segment of each mapping; other writers split mappings where captured memory begins and ends, and
 * gdb's gcore makes none of a mapping that is as its file has it, code above all: that one stands in NT_FILE alone.
 * Each entry of NT_FILE is a line. Segments beside them are one line when they meet where no mapping can end.
 */
function linesOf(core: CoreFile): Line[] {
  const files = disjoint(core.files.map((file) => ({ ...file, file, flags: 0 })));
  const segments = disjoint(
    core.segments
      .filter(({ address, memorySize }) => memorySize > 0 && address + memorySize <= Number.MAX_SAFE_INTEGER)
      .map(({ address, memorySize, flags }) => ({ start: address, end: address + memorySize, flags, file: null })),
  );
  const lines: Line[] = [];
  const permissions = new FilePermissions(core);
  let first = 0;
  for (const each of files) {
    while (first < segments.length && segments[first]!.end <= each.start) first++;
    const segment = segments[first];
    const guessed = permissions.of(each.file);
    lines.push({ ...each, flags: segment !== undefined && segment.start < each.end ? segment.flags : guessed });
  }
  let next = 0;
  for (const segment of segments) {
    let { start } = segment;
    while (next < files.length && files[next]!.end <= start) next++;
    for (; next < files.length && files[next]!.start < segment.end; next++) {
      if (files[next]!.start > start) lines.push({ ...segment, start, end: files[next]!.start });
      start = files[next]!.end;
      if (start >= segment.end) break;
    }
    if (start < segment.end) lines.push({ ...segment, start });
  }
  return joined(lines.sort((a, b) => a.start - b.start));
}

/** Ascending; what overlaps a line before it is left out. */
function disjoint<T extends { readonly start: number; readonly end: number }>(lines: readonly T[]): T[] {
  let end = 0;
  return [...lines]
    .sort((a, b) => a.start - b.start)
    .filter((each) => {
      if (each.start < end) return false;
      end = each.end;
      return true;
    });
}

function joined(lines: readonly Line[]): Line[] {
  const result: Line[] = [];
  for (const each of lines) {
    const last = result.at(-1);
    const meets = last !== undefined && last.end === each.start && last.file === null && each.file === null;
    if (meets && each.start % PAGE !== 0) result[result.length - 1] = { ...last, end: each.end };
    else result.push(each);
  }
  return result;
}

/** What a mapping that stands in NT_FILE alone may do: by the program headers of its image, where the core has them. */
class FilePermissions {
  readonly #core: CoreFile;
  /** By name: where the file's first byte was mapped last. */
  readonly #heads = new Map<string, CoreMappedFile>();
  readonly #images = new Map<CoreMappedFile, ElfFile | null>();

  constructor(core: CoreFile) {
    this.#core = core;
  }

  /** To be asked of every entry, in ascending order. */
  of(file: CoreMappedFile): number {
    if (file.offset === 0) this.#heads.set(file.name, file);
    const head = this.#heads.get(file.name);
    const image = head === undefined ? null : this.#image(head);
    // Without headers: what lies behind the begin of a file and was not written to is code more often than not.
    if (head === undefined || image === null) return file.offset === 0 ? SegmentFlag.r : SegmentFlag.r | SegmentFlag.x;
    const loads = image.segments.filter(({ type }) => type === SegmentType.load);
    const lowest = loads[0]?.vaddr ?? 0;
    const from = file.start - head.start + (lowest - (lowest % PAGE));
    const to = from + (file.end - file.start);
    return loads.find(({ vaddr, memsz }) => vaddr < to && vaddr + memsz > from)?.flags ?? 0;
  }

  #image(head: CoreMappedFile): ElfFile | null {
    let image = this.#images.get(head);
    if (image === undefined) {
      const range = { offset: 0, address: head.start, size: head.end - head.start };
      const elf = ElfFile.parse(new MemorySource(this.#core.memory, [range]));
      image = elf instanceof ElfFile ? elf : null;
      this.#images.set(head, image);
    }
    return image;
  }
}

function line(start: number, end: number, flags: number, offset: number, name: string): string {
  const { r, w, x } = SegmentFlag;
  const perms = `${flags & r ? 'r' : '-'}${flags & w ? 'w' : '-'}${flags & x ? 'x' : '-'}p`;
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const head = `${hex(start)}-${hex(end)} ${perms} ${hex(offset)} ${NO_FILE} `;
  return `${name === '' ? head : `${head.padEnd(73)}${name}`}\n`;
}
