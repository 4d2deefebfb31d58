/**
 * Notes: {namesz, descsz, type} as u32, then name and descriptor, each padded to 4 bytes (gABI chapter 5, "Note
 * Section"; segments with p_align 8 occur too, but the build id's owner "GNU\0" and its usual 20 bytes keep both
 * readings the same for the first note).
 */
import { LittleEndian } from '../../bytes/little-endian.js';
import type { ElfParts } from './headers.js';
import { SectionType, SegmentType } from './layout.js';

const NT_GNU_BUILD_ID = 3;
/** No real note part is larger. */
const NOTES_LIMIT = 64 * 1024;
const BUILD_ID_LIMIT = 64;

export function buildIdOf(elf: ElfParts): string | null {
  for (const section of elf.sections) {
    if (section.type !== SectionType.note) continue;
    const id = findBuildId(elf.source.bytes(section.offset, Math.min(section.size, NOTES_LIMIT)));
    if (id !== null) return id;
  }
  for (const segment of elf.segments) {
    if (segment.type !== SegmentType.note) continue;
    const id = findBuildId(elf.source.bytes(segment.offset, Math.min(segment.filesz, NOTES_LIMIT)));
    if (id !== null) return id;
  }
  return null;
}

/** The descriptor of the first NT_GNU_BUILD_ID note of owner GNU, as lower-case hex. */
export function findBuildId(notes: Uint8Array): string | null {
  const data = new LittleEndian(notes);
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameSize = data.u32(at);
    const size = data.u32(at + 4);
    const type = data.u32(at + 8);
    const name = at + 12;
    const descriptor = name + align4(nameSize);
    if (descriptor + size > notes.length) return null;
    if (
      type === NT_GNU_BUILD_ID &&
      nameSize === 4 &&
      data.text(name, 4) === 'GNU' &&
      size > 0 &&
      size <= BUILD_ID_LIMIT
    ) {
      return Buffer.from(notes.subarray(descriptor, descriptor + size)).toString('hex');
    }
    at = descriptor + align4(size);
  }
  return null;
}

function align4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
