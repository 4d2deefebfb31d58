/**
 * Where a pc lies: the file or area, and the pc relative to it, as our texts print frames
 * (src/report/classic/frames.ts).
 */
import { closeSync, openSync } from 'node:fs';
import type { MapsEntry } from '../../src/linux/maps.js';
import { ElfFile } from '../../src/objects/elf/elf-file.js';
import type { ElfSegment } from '../../src/objects/elf/headers.js';
import { FdSource } from '../../src/platform/fd-source.js';

export interface Place {
  /** The mapping's name; '' for memory without a file, null in no mapping. */
  readonly file: string | null;
  /** A virtual address of the ELF file; in other memory from the mapping's start. */
  readonly relPc: number;
  readonly executable: boolean;
}

const PT_LOAD = 1;
const segmentsByFile = new Map<string, readonly ElfSegment[]>();

function segmentsOf(path: string): readonly ElfSegment[] {
  let segments = segmentsByFile.get(path);
  if (segments !== undefined) return segments;
  segments = [];
  try {
    const fd = openSync(path, 'r');
    const source = FdSource.of(fd);
    const elf = source === null ? null : ElfFile.parse(source);
    if (elf instanceof ElfFile) segments = elf.segments.filter(({ type }) => type === PT_LOAD);
    closeSync(fd);
  } catch {
    // Deleted, or no ELF file: relative to the mapping's start.
  }
  segmentsByFile.set(path, segments);
  return segments;
}

export function placeOf(pc: number, mappings: readonly MapsEntry[]): Place {
  const mapping = mappings.find(({ start, end }) => pc >= start && pc < end);
  if (mapping === undefined) return { file: null, relPc: pc, executable: false };
  const inFile = pc - mapping.start + mapping.offset;
  const segment = mapping.name.startsWith('/')
    ? segmentsOf(mapping.name).find(({ offset, filesz }) => inFile >= offset && inFile < offset + filesz)
    : undefined;
  const relPc = segment === undefined ? pc - mapping.start : inFile - segment.offset + segment.vaddr;
  return { file: mapping.name, relPc, executable: mapping.perms.includes('x') };
}
