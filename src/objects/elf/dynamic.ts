/** The dynamic section: {tag, value} pairs of words, ended by DT_NULL (gABI chapter 5). */
import { LittleEndian } from '../../bytes/little-endian.js';
import { type ElfParts, offsetOf } from './headers.js';
import { SectionType, SegmentType } from './layout.js';

const DT_NULL = 0;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;
/** Entries read at most, and bytes of a name kept. */
const ENTRY_LIMIT = 4096;
const NAME_LIMIT = 1024;

/**
 * DT_SONAME of an image, null when there is none.
 *
 * @param sectionsOnly place the string table by the section header whose address is DT_STRTAB, and by nothing else
 * @param loadedAt of an image in memory, what its addresses were moved by: dynamic linkers rewrite DT_STRTAB in place
 */
export function soname(elf: ElfParts, sectionsOnly: boolean, loadedAt = 0): string | null {
  const dynamic = elf.segments.find((segment) => segment.type === SegmentType.dynamic);
  if (dynamic === undefined) return null;
  const word = elf.wordSize;
  const data = new LittleEndian(elf.source.bytes(dynamic.offset, Math.min(dynamic.memsz, ENTRY_LIMIT * 2 * word)));
  let table = -1;
  let size = -1;
  let name = -1;
  for (let at = 0; at + 2 * word <= data.length; at += 2 * word) {
    const tag = data.word(at, word);
    const value = data.word(at + word, word);
    if (tag === DT_NULL) break;
    if (tag === DT_STRTAB) table = value;
    else if (tag === DT_STRSZ) size = value;
    else if (tag === DT_SONAME) name = value;
  }
  if (table < 0 || name < 0 || !(name < size)) return null;
  const section = elf.sections.find((candidate) => candidate.type === SectionType.strtab && candidate.addr === table);
  let offset = section?.offset ?? -1;
  // An image in memory has no section headers.
  if (section === undefined && !sectionsOnly) {
    offset = offsetOf(elf.segments, table);
    if (offset < 0 && table >= loadedAt) offset = offsetOf(elf.segments, table - loadedAt);
  }
  if (offset < 0) return null;
  const length = Math.min(size - name, NAME_LIMIT);
  const bytes = elf.source.bytes(offset + name, length);
  const end = bytes.indexOf(0);
  // A name that goes on past what can be read is not a name.
  if (end <= 0) return null;
  return Buffer.from(bytes.subarray(0, end)).toString('utf8');
}
