/** One ELF image: its headers, sections, build id and soname, read when they are asked for. */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { ObjectFile } from '../object-file.js';
import { decompressSection } from './compressed-section.js';
import { soname as dynamicSoname } from './dynamic.js';
import { ElfError } from './elf-error.js';
import { type ElfHeaders, type ElfSection, type ElfSegment, offsetOf, parseHeaders } from './headers.js';
import { SectionType, SHF_COMPRESSED } from './layout.js';
import { buildIdOf } from './notes.js';

const NONE = new Uint8Array(0);

/**
 * An ELF image: its headers, and the bytes they point to. All offsets are from the start of the image (`source` begins
 * there, be it a file, a library inside an apk, or memory). Little-endian images only. Nothing here throws; what is
 * missing is null or empty.
 */
export class ElfFile implements ObjectFile {
  readonly format = 'elf';
  readonly source: ByteSource;
  /** 32 or 64. */
  readonly bits: 32 | 64;
  readonly wordSize: 4 | 8;
  /** e_machine: EM_386 3, EM_ARM 40, EM_X86_64 62, EM_AARCH64 183, EM_RISCV 243. */
  readonly machine: number;
  /** e_type: ET_EXEC 2, ET_DYN 3. */
  readonly type: number;
  readonly entry: number;
  /** End of the section header table, which is the last thing in most images; 0 without section headers. */
  readonly sectionHeadersEnd: number;
  readonly segments: readonly ElfSegment[];
  /** Empty when the image has no section headers or they cannot be read. */
  readonly sections: readonly ElfSection[];
  /** p_vaddr - p_offset of the first executable PT_LOAD; 0 without one. */
  readonly loadBias: number;
  readonly #contents = new Map<ElfSection, Uint8Array>();
  #buildId: string | null | undefined;
  #soname: string | null | undefined;
  #sectionSoname: string | null | undefined;

  private constructor(source: ByteSource, headers: ElfHeaders) {
    this.source = source;
    this.bits = headers.bits;
    this.wordSize = headers.bits === 64 ? 8 : 4;
    this.machine = headers.machine;
    this.type = headers.type;
    this.entry = headers.entry;
    this.sectionHeadersEnd = headers.sectionHeadersEnd;
    this.segments = headers.segments;
    this.sections = headers.sections;
    this.loadBias = headers.loadBias;
  }

  static parse(source: ByteSource): ElfFile | ElfError {
    const headers = parseHeaders(source);
    return headers instanceof ElfError ? headers : new ElfFile(source, headers);
  }

  /** The first section of that name. */
  section(name: string): ElfSection | null {
    for (const section of this.sections) if (section.name === name) return section;
    return null;
  }

  /**
   * The bytes of a section, decompressed when it is SHF_COMPRESSED; shorter than declared when the image ends before,
   * empty for SHT_NOBITS or when they cannot be decompressed. Kept after the first call.
   */
  contents(section: ElfSection): Uint8Array {
    let bytes = this.#contents.get(section);
    if (bytes === undefined) {
      const raw = section.type === SectionType.nobits ? NONE : this.source.bytes(section.offset, section.size);
      bytes = (section.flags & SHF_COMPRESSED) !== 0 ? decompressSection(raw, this.bits) : raw;
      this.#contents.set(section, bytes);
    }
    return bytes;
  }

  /** Offset in the image of an address, through the PT_LOAD that holds it in its file part; -1 when none does. */
  offsetOf(vaddr: number): number {
    return offsetOf(this.segments, vaddr);
  }

  /**
   * NT_GNU_BUILD_ID as lower-case hex, from .note.gnu.build-id or else the PT_NOTE segments; null when there is none.
   */
  get buildId(): string | null {
    if (this.#buildId === undefined) this.#buildId = buildIdOf(this);
    return this.#buildId;
  }

  /** DT_SONAME; null when there is none. */
  get soname(): string | null {
    if (this.#soname === undefined) this.#soname = dynamicSoname(this, false);
    return this.#soname;
  }

  /** DT_SONAME as Android's unwinder finds it: only where a section header of the string table can be read. */
  get sectionSoname(): string | null {
    if (this.#sectionSoname === undefined) this.#sectionSoname = dynamicSoname(this, true);
    return this.#sectionSoname;
  }
}
