/** Finds the call frame information of an image. */

import { LittleEndian } from '../../bytes/little-endian.js';
import type { ElfFile } from '../elf/elf-file.js';
import type { ElfSection } from '../elf/headers.js';
import { SegmentType } from '../elf/layout.js';
import { CfiTable } from './cfi-table.js';
import { Cursor } from './cursor.js';
import { DwarfError } from './dwarf-error.js';
import { type PointerBases, readPointer } from './encoded-pointer.js';
import { FdeIndex } from './fde-index.js';
import { FrameEntries, type FrameSection } from './frame-entry.js';
import type { RegisterMap } from './register-map.js';

const SHT_NOBITS = 8;
const NONE = new Uint8Array(0);
const PAGE = 4096;
const SPARSE_LIMIT = 4 << 20;

/** The table of .debug_frame; null when the image has none. */
export function debugFrame(elf: ElfFile, registers: RegisterMap): CfiTable | null {
  const section = debugFrameSection(elf);
  return section === null ? null : new CfiTable(section, registers, null);
}

/**
 * The table of .eh_frame, by .eh_frame_hdr's index where that is usable; null when the image has none.
 *
 * @param trusted what .eh_frame_hdr does not list is not looked for in the section: Android's way
 */
export function ehFrame(elf: ElfFile, registers: RegisterMap, trusted = false): CfiTable | null {
  const header = headerPlace(elf);
  const found = ehFrameSection(elf, header);
  if (found === null) return null;
  let index: FdeIndex | DwarfError | null = null;
  if (header !== null) {
    index = FdeIndex.fromHeader(header.bytes, basesOf(elf, header.address, header.address), found.bases.section);
  }
  return new CfiTable(found, registers, index instanceof DwarfError ? null : index, trusted);
}

/** The addresses that an image's frame descriptions cover, without its rules: .debug_frame's, then .eh_frame's. */
export function frameRanges(elf: ElfFile): FdeIndex[] {
  const sections = [debugFrameSection(elf), ehFrameSection(elf, headerPlace(elf))];
  return sections.flatMap((section) => (section === null ? [] : [FdeIndex.fromSection(new FrameEntries(section))]));
}

function debugFrameSection(elf: ElfFile): FrameSection | null {
  const section = elf.section('.debug_frame');
  if (section === null) return null;
  const bytes = elf.contents(section);
  return bytes.length === 0 ? null : { bytes, bases: basesOf(elf, section.addr, 0), eh: false };
}

function ehFrameSection(elf: ElfFile, header: Place | null): FrameSection | null {
  const section = elf.section('.eh_frame');
  const place = section !== null && section.type !== SHT_NOBITS ? sectionPlace(elf, section) : framePlace(elf, header);
  if (place === null || place.bytes.length === 0) return null;
  const got = elf.section('.got')?.addr ?? 0;
  return { bytes: place.bytes, bases: basesOf(elf, place.address, got), eh: true };
}

interface Place {
  readonly bytes: Uint8Array;
  readonly address: number;
}

function sectionPlace(elf: ElfFile, section: ElfSection): Place {
  return { bytes: elf.contents(section), address: section.addr };
}

/** .eh_frame_hdr: what SegmentType.gnuEhFrame says, else the section header. */
function headerPlace(elf: ElfFile): Place | null {
  for (const segment of elf.segments) {
    if (segment.type === SegmentType.gnuEhFrame && segment.offset > 0) {
      return { bytes: readSparse(elf, segment.offset, segment.memsz), address: segment.vaddr };
    }
  }
  const section = elf.section('.eh_frame_hdr');
  return section === null || section.type === SHT_NOBITS ? null : sectionPlace(elf, section);
}

/** .eh_frame by the header's pointer, up to the end of its segment: an image without section headers. */
function framePlace(elf: ElfFile, header: Place | null): Place | null {
  if (header === null) return null;
  const cursor = new Cursor(header.bytes);
  // Where a debug file keeps its program headers but not what they point to, something else lies here.
  if (cursor.u8() !== 1) return null;
  const encoding = cursor.u8();
  cursor.skip(2);
  const address = readPointer(cursor, encoding, basesOf(elf, header.address, header.address), 0);
  if (cursor.failed) return null;
  for (const segment of elf.segments) {
    if (segment.type !== SegmentType.load || address < segment.vaddr || address - segment.vaddr >= segment.filesz)
      continue;
    const skip = address - segment.vaddr;
    return { bytes: readSparse(elf, segment.offset + skip, segment.filesz - skip), address };
  }
  return null;
}

/**
 * Bytes of an image in memory of which parts may be missing: a missing page is zeros, so that entries in the others can
 * be found through the header. Files have no holes: for them this is one read.
 */
function readSparse(elf: ElfFile, offset: number, size: number): Uint8Array {
  const first = elf.source.bytes(offset, size);
  if (first.length >= size || size > SPARSE_LIMIT) return first;
  const whole = new Uint8Array(size);
  whole.set(first);
  let end = first.length;
  for (let at = first.length; at < size; ) {
    const page = Math.min(size, at + PAGE - ((offset + at) % PAGE));
    const part = elf.source.bytes(offset + at, page - at);
    whole.set(part, at);
    if (part.length > 0) end = at + part.length;
    at = page;
  }
  return whole.subarray(0, end);
}

function basesOf(elf: ElfFile, section: number, data: number): PointerBases {
  return {
    wordSize: elf.wordSize,
    section,
    text: elf.section('.text')?.addr ?? 0,
    data,
    wordAt: (address) => {
      const offset = elf.offsetOf(address);
      if (offset < 0) return Number.NaN;
      const bytes: Uint8Array = elf.source.bytes(offset, elf.wordSize) ?? NONE;
      return new LittleEndian(bytes).word(0, elf.wordSize);
    },
  };
}
