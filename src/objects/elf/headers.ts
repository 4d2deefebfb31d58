/**
 * The ELF header, program headers and section headers of an image, checked and read by the tables of layout.ts.
 */
import type { ByteSource } from '../../bytes/byte-source.js';
import { LittleEndian } from '../../bytes/little-endian.js';
import { readStruct, type Struct, type Values } from '../../bytes/struct.js';
import { ElfError } from './elf-error.js';
import { ELF_LAYOUTS, type ElfLayout, SectionType, SegmentFlag, SegmentType, SHN_XINDEX } from './layout.js';

/** A program header. */
export interface ElfSegment {
  /** PT_LOAD 1, PT_DYNAMIC 2, PT_NOTE 4, PT_GNU_EH_FRAME 0x6474e550, PT_ARM_EXIDX 0x70000001. */
  readonly type: number;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
}

/** A section header. */
export interface ElfSection {
  /** '' when the name could not be read. */
  readonly name: string;
  /** SHT_PROGBITS 1, SHT_SYMTAB 2, SHT_STRTAB 3, SHT_NOTE 7, SHT_NOBITS 8, SHT_DYNSYM 11. */
  readonly type: number;
  /** SHF_COMPRESSED 0x800. */
  readonly flags: number;
  readonly addr: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entsize: number;
}

/** What the headers of an image say. */
export interface ElfHeaders {
  readonly bits: 32 | 64;
  readonly machine: number;
  readonly type: number;
  readonly entry: number;
  readonly sectionHeadersEnd: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  readonly loadBias: number;
}

/** What the readers of one part need of an image. */
export interface ElfParts {
  readonly source: ByteSource;
  readonly wordSize: 4 | 8;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

/** Longest section name that is kept. */
const NAME_LIMIT = 128;
const MAX_SEGMENTS = 0xffff;
const MAX_SECTIONS = 0x20000;

export function isElf(source: ByteSource): boolean {
  const magic = source.bytes(0, 4);
  return magic.length === 4 && magic[0] === 0x7f && magic[1] === 0x45 && magic[2] === 0x4c && magic[3] === 0x46;
}

/** Offset in the image of an address, through the PT_LOAD that holds it in its file part; -1 when none does. */
export function offsetOf(segments: readonly ElfSegment[], vaddr: number): number {
  for (const { type, vaddr: start, filesz, offset } of segments) {
    if (type === SegmentType.load && vaddr >= start && vaddr - start < filesz) return offset + (vaddr - start);
  }
  return -1;
}

/** The headers of a little-endian image, or what is wrong with them. */
export function parseHeaders(source: ByteSource): ElfHeaders | ElfError {
  const ident = source.bytes(0, 64);
  if (!isElf(source)) return new ElfError('no ELF magic');
  const bits = ident[4] === 1 ? 32 : ident[4] === 2 ? 64 : 0;
  if (bits === 0) return new ElfError(`class ${ident[4]} is neither 32 nor 64 bits`);
  if (ident[5] !== 1) return new ElfError('not little-endian');
  const layout = ELF_LAYOUTS[bits === 64 ? 8 : 4];
  const { size } = layout.header;
  if (ident.length < size) return new ElfError(`ELF header needs ${size} bytes, ${ident.length} are there`);
  const header = readStruct(viewOf(ident), 0, layout.header, true);
  const segments = parseSegments(source, layout.segment, header.phoff, header.phentsize, header.phnum);
  if (segments instanceof ElfError) return segments;
  const executable = segments.find(({ type, flags }) => type === SegmentType.load && (flags & SegmentFlag.x) !== 0);
  return {
    bits,
    machine: header.machine,
    type: header.type,
    entry: header.entry,
    sectionHeadersEnd: header.shnum === 0 ? 0 : header.shoff + header.shentsize * header.shnum,
    segments,
    sections: parseSections(source, layout.section, header),
    loadBias: executable === undefined ? 0 : executable.vaddr - executable.offset,
  };
}

function parseSegments(
  source: ByteSource,
  layout: ElfLayout['segment'],
  offset: number,
  entry: number,
  count: number,
): ElfSegment[] | ElfError {
  if (count > MAX_SEGMENTS) return new ElfError(`${count} program headers`);
  if (count === 0) return [];
  if (entry < layout.size) return new ElfError(`program header entries of ${entry} bytes, ${layout.size} needed`);
  const bytes = source.bytes(offset, entry * count);
  if (bytes.length < entry * (count - 1) + layout.size) {
    return new ElfError(`${count} program headers need ${entry * count} bytes, ${bytes.length} are there`);
  }
  return entriesOf(bytes, layout, entry, count);
}

/** Section headers are optional to every reader: what is broken is left out. */
function parseSections(
  source: ByteSource,
  layout: ElfLayout['section'],
  header: { readonly shoff: number; readonly shentsize: number; readonly shnum: number; readonly shstrndx: number },
): ElfSection[] {
  const { shoff: offset, shentsize: entry } = header;
  if (!(entry >= layout.size) || !(offset > 0)) return [];
  let { shnum: count, shstrndx: names } = header;
  if (count === 0 || names === SHN_XINDEX) {
    // Extended numbering: the first header holds the count (sh_size) and the name table's index (sh_link).
    const [first] = entriesOf(source.bytes(offset, layout.size), layout, layout.size, 1);
    if (count === 0) count = first?.size ?? 0;
    if (names === SHN_XINDEX) names = first?.link ?? 0;
  }
  if (!(count > 0 && count <= MAX_SECTIONS)) return [];
  const headers = entriesOf(source.bytes(offset, entry * count), layout, entry, count);
  const table = headers[names];
  const strings = new LittleEndian(
    table === undefined || table.type === SectionType.nobits
      ? new Uint8Array(0)
      : source.bytes(table.offset, table.size),
  );
  return headers.map((section) => ({ ...section, name: strings.text(section.name, NAME_LIMIT) }));
}

/** At most `count` structures that begin every `entry` bytes, as far as they are whole. */
function entriesOf<L extends ElfLayout['segment'] | ElfLayout['section']>(
  bytes: Uint8Array,
  layout: L,
  entry: number,
  count: number,
): (L extends Struct<infer F> ? Values<F> : never)[] {
  const view = viewOf(bytes);
  const found = [];
  for (let at = 0; at + layout.size <= bytes.length && found.length < count; at += entry) {
    found.push(readStruct(view, at, layout as Struct, true));
  }
  return found as (L extends Struct<infer F> ? Values<F> : never)[];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
