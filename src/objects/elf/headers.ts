/**
 * The ELF header, program headers and section headers. Layouts: System V gABI, chapters 4 and 5 (Elf32_Ehdr 52 bytes, Elf64_Ehdr
 * 64; Phdr 32/56; Shdr 40/64).
 */
import type { ByteSource } from '../../bytes/byte-source.js';
import { LittleEndian } from '../../bytes/little-endian.js';
import { ElfError } from './elf-error.js';
import type { ElfHeaders, ElfSection, ElfSegment } from './elf-file.js';

const PT_LOAD = 1;
const PF_X = 1;
/** Longest section name that is kept. */
const NAME_LIMIT = 128;
const MAX_SEGMENTS = 0xffff;
const MAX_SECTIONS = 0x20000;

export function isElf(source: ByteSource): boolean {
  const magic = source.bytes(0, 4);
  return magic.length === 4 && magic[0] === 0x7f && magic[1] === 0x45 && magic[2] === 0x4c && magic[3] === 0x46;
}

export function parseHeaders(source: ByteSource): ElfHeaders | ElfError {
  const ident = source.bytes(0, 64);
  if (!isElf(source)) return new ElfError('no ELF magic');
  const bits = ident[4] === 1 ? 32 : ident[4] === 2 ? 64 : 0;
  if (bits === 0) return new ElfError(`class ${ident[4]} is neither 32 nor 64 bits`);
  if (ident[5] !== 1) return new ElfError('not little-endian');
  const size = bits === 64 ? 64 : 52;
  if (ident.length < size) return new ElfError(`ELF header needs ${size} bytes, ${ident.length} are there`);
  const data = new LittleEndian(ident);
  const wide = bits === 64;
  const table = wide ? 54 : 42;
  const segments = parseSegments(
    source,
    wide,
    data.word(wide ? 32 : 28, wide ? 8 : 4),
    data.u16(table),
    data.u16(table + 2),
  );
  if (segments instanceof ElfError) return segments;
  const shoff = data.word(wide ? 40 : 32, wide ? 8 : 4);
  const shentsize = data.u16(table + 4);
  const shnum = data.u16(table + 6);
  const sections = parseSections(source, wide, shoff, shentsize, shnum, data.u16(table + 8));
  const executable = segments.find((segment) => segment.type === PT_LOAD && (segment.flags & PF_X) !== 0);
  return {
    bits,
    machine: data.u16(18),
    type: data.u16(16),
    entry: data.word(24, wide ? 8 : 4),
    sectionHeadersEnd: shnum === 0 ? 0 : shoff + shentsize * shnum,
    segments,
    sections,
    loadBias: executable === undefined ? 0 : executable.vaddr - executable.offset,
  };
}

function parseSegments(
  source: ByteSource,
  wide: boolean,
  offset: number,
  entry: number,
  count: number,
): ElfSegment[] | ElfError {
  const size = wide ? 56 : 32;
  if (count > MAX_SEGMENTS) return new ElfError(`${count} program headers`);
  if (count === 0) return [];
  if (entry < size) return new ElfError(`program header entries of ${entry} bytes, ${size} needed`);
  const data = new LittleEndian(source.bytes(offset, entry * count));
  if (data.length < entry * (count - 1) + size) {
    return new ElfError(`${count} program headers need ${entry * count} bytes, ${data.length} are there`);
  }
  const segments: ElfSegment[] = [];
  for (let at = 0, i = 0; i < count; i++, at += entry) {
    segments.push(
      wide
        ? {
            type: data.u32(at),
            flags: data.u32(at + 4),
            offset: data.u64(at + 8),
            vaddr: data.u64(at + 16),
            filesz: data.u64(at + 32),
            memsz: data.u64(at + 40),
          }
        : {
            type: data.u32(at),
            flags: data.u32(at + 24),
            offset: data.u32(at + 4),
            vaddr: data.u32(at + 8),
            filesz: data.u32(at + 16),
            memsz: data.u32(at + 20),
          },
    );
  }
  return segments;
}

/** Section headers are optional to every reader: what is broken is left out. */
function parseSections(
  source: ByteSource,
  wide: boolean,
  offset: number,
  entry: number,
  declared: number,
  nameIndex: number,
): ElfSection[] {
  const size = wide ? 64 : 40;
  if (!(entry >= size) || !(offset > 0)) return [];
  let count = declared;
  let names = nameIndex;
  if (declared === 0 || nameIndex === 0xffff) {
    // Extended numbering: the first header holds the count (sh_size) and the name table's index (sh_link).
    const first = new LittleEndian(source.bytes(offset, size));
    if (declared === 0) count = first.word(wide ? 32 : 20, wide ? 8 : 4);
    if (nameIndex === 0xffff) names = first.u32(wide ? 40 : 24);
  }
  if (!(count > 0 && count <= MAX_SECTIONS)) return [];
  const data = new LittleEndian(source.bytes(offset, entry * count));
  const raw: { name: number; section: ElfSection }[] = [];
  for (let at = 0; at + size <= data.length && raw.length < count; at += entry) {
    raw.push({ name: data.u32(at), section: wide ? section64(data, at) : section32(data, at) });
  }
  const table = raw[names]?.section;
  const strings = new LittleEndian(
    table === undefined || table.type === 8 ? new Uint8Array(0) : source.bytes(table.offset, table.size),
  );
  return raw.map(({ name, section }) => ({ ...section, name: strings.text(name, NAME_LIMIT) }));
}

function section64(data: LittleEndian, at: number): ElfSection {
  return {
    name: '',
    type: data.u32(at + 4),
    flags: data.u32(at + 8),
    addr: data.u64(at + 16),
    offset: data.u64(at + 24),
    size: data.u64(at + 32),
    link: data.u32(at + 40),
    info: data.u32(at + 44),
    entsize: data.u64(at + 56),
  };
}

function section32(data: LittleEndian, at: number): ElfSection {
  return {
    name: '',
    type: data.u32(at + 4),
    flags: data.u32(at + 8),
    addr: data.u32(at + 12),
    offset: data.u32(at + 16),
    size: data.u32(at + 20),
    link: data.u32(at + 24),
    info: data.u32(at + 28),
    entsize: data.u32(at + 36),
  };
}
