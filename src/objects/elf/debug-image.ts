/**
 * Separated debug files (`objcopy --only-keep-debug`): they have the section headers and addresses of the image that
 * they were made of, its symbols and debug information, and none of its code and data (SHT_NOBITS). Their program
 * headers name offsets that are those of no file.
 */
import { BufferSource, type ByteSource } from '../../bytes/byte-source.js';
import { readStruct, writeStruct } from '../../bytes/struct.js';
import type { ElfFile } from './elf-file.js';
import { ELF_LAYOUTS, SectionType, SegmentType } from './layout.js';

const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const PAGE = 4096;
const NONE = new Uint8Array(0);

/** Whether the file has sections of code, and the bytes of none of them. */
export function isDebugFile(elf: ElfFile): boolean {
  const code = elf.sections.filter(({ flags }) => (flags & SHF_ALLOC) !== 0 && (flags & SHF_EXECINSTR) !== 0);
  return code.length > 0 && code.every(({ type }) => type === SectionType.nobits);
}

interface Piece {
  readonly at: number;
  readonly source: ByteSource;
}

/**
 * A debug file as a file that could have been mapped: its segments lie where `offsetOf` says, and nothing can be read
 * of them; the debug file itself follows behind them.
 *
 * @param offsetOf the offset in the image's own file of the byte at an address (in p_vaddr space)
 */
export function debugImage(debug: ElfFile, offsetOf: (vaddr: number) => number): ByteSource {
  const { wordSize, source } = debug;
  const layout = ELF_LAYOUTS[wordSize];
  const head = source.bytes(0, layout.header.size).slice();
  const header = readStruct(viewOf(head), 0, layout.header, true);
  let behind = header.phoff + header.phentsize * header.phnum;
  const segments = source.bytes(header.phoff, header.phentsize * header.phnum).slice();
  debug.segments.forEach(({ vaddr, memsz, type }, i) => {
    const offset = Math.max(0, offsetOf(vaddr));
    if (type === SegmentType.load) behind = Math.max(behind, offset + memsz);
    // What a debug file has of a segment is less than the image had.
    writeStruct(viewOf(segments), i * header.phentsize, layout.segment, { offset, filesz: memsz });
  });
  behind = Math.ceil(behind / PAGE) * PAGE;
  writeStruct(viewOf(head), 0, layout.header, { shoff: header.shoff === 0 ? 0 : header.shoff + behind });
  const sections = source.bytes(header.shoff, header.shentsize * debug.sections.length).slice();
  debug.sections.forEach(({ type, offset }, i) => {
    const moved = type === SectionType.nobits || offset === 0 ? offset : offset + behind;
    writeStruct(viewOf(sections), i * header.shentsize, layout.section, { offset: moved });
  });
  return new PieceSource(behind + source.size, [
    { at: 0, source: new BufferSource(head) },
    { at: header.phoff, source: new BufferSource(segments) },
    { at: behind + header.shoff, source: new BufferSource(sections) },
    { at: behind, source },
  ]);
}

/** Pieces at their offsets; where they overlap, the first one counts. What lies in none cannot be read. */
class PieceSource implements ByteSource {
  readonly size: number;
  readonly #pieces: readonly Piece[];

  constructor(size: number, pieces: readonly Piece[]) {
    this.size = size;
    this.#pieces = pieces;
  }

  bytes(offset: number, length: number): Uint8Array {
    for (const { at, source } of this.#pieces) {
      if (offset >= at && offset < at + source.size) return source.bytes(offset - at, length);
    }
    return NONE;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
