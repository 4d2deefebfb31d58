/** Which ELF image lies behind a mapping, and where in the file it begins. */
import { type ByteSource, SliceSource } from '../../bytes/byte-source.js';
import type { Memory } from '../../bytes/memory.js';
import { type MemoryRange, MemorySource } from '../../bytes/memory-source.js';
import { ElfError } from '../../objects/elf/elf-error.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import { isElf } from '../../objects/elf/headers.js';
import { SegmentType } from '../../objects/elf/layout.js';
import type { Mapping } from '../mapping.js';
import { isDevice, type MappingTable } from '../mapping-table.js';
import type { ModuleSource } from '../module.js';
import type { RuleSet } from '../rule-set.js';

const PROT_READ = 1;
/** An ELF64 header: mappings smaller than it are read as if they had its size. */
const HEADER = 64;

/** An ELF image and how a mapping relates to it. */
export interface FoundElf {
  /** Null when no ELF image is behind the mapping. */
  readonly elf: ElfFile | null;
  /** The file as a whole that the image was read from; null when it was read from memory. */
  readonly file: ByteSource | null;
  /**
   * Where in the file the image begins (not 0 for libraries inside an apk); the mapping's offset when there is no
   * image.
   */
  readonly start: number;
  /** Offset of the mapping's first byte in the image. */
  readonly offset: number;
  /** Why there is no image. */
  readonly error: string;
}

interface Place {
  readonly source: ByteSource;
  readonly file: ByteSource | null;
  readonly start: number;
  readonly offset: number;
}

/**
 * Finds the ELF image behind a mapping, in Android's order: at the mapping's own offset in the file (a library inside
 * an apk), the whole file, or where the read-only mapping before it begins; and without a file the same in memory,
 * where an image may be split over two mappings.
 */
export class ImageFinder {
  readonly #mappings: MappingTable;
  readonly #files: ModuleSource;
  readonly #memory: Memory;
  readonly #rules: RuleSet['elf'];

  constructor(mappings: MappingTable, files: ModuleSource, memory: Memory, rules: RuleSet['elf']) {
    this.#mappings = mappings;
    this.#files = files;
    this.#memory = memory;
    this.#rules = rules;
  }

  /** @param machine ELF machine that the image must have */
  find(index: number, machine: number): FoundElf {
    const mapping = this.#mappings.mappings[index]!;
    const none = { elf: null, file: null, start: mapping.offset, offset: 0 };
    if (isDevice(mapping)) return { ...none, error: 'device memory' };
    const inFile = mapping.name === '' ? null : this.#inFile(index, mapping);
    let found: FoundElf | null = inFile === null ? null : open(inFile, machine, mapping);
    if (found === null || (found.elf === null && this.#rules.memoryBehindFiles)) {
      const inMemory = this.#inMemory(index, mapping);
      if (inMemory !== null) found = open(inMemory, machine, mapping);
    }
    return found ?? { ...none, error: 'no file, and no ELF image in memory' };
  }

  #inFile(index: number, mapping: Mapping): Place | null {
    const file = this.#files.file(mapping);
    if (file === null) return null;
    const whole = { source: file, file, start: 0, offset: mapping.offset };
    if (mapping.offset === 0) return file.size > 0 ? whole : null;
    if (mapping.offset >= file.size) return null;
    const size = Math.max(mapping.end - mapping.start, HEADER);
    const own = new SliceSource(file, mapping.offset, size);
    if (isElf(own)) {
      // The loader maps only a part: symbols and section headers lie behind.
      const source = new SliceSource(file, mapping.offset, Math.max(size, imageSize(own)));
      return { source, file, start: mapping.offset, offset: 0 };
    }
    if (isElf(file)) return whole;
    const before = this.#mappings.neighbour(index, -1);
    if (before !== null && before.prot === PROT_READ && before.offset < mapping.offset) {
      const offset = mapping.offset - before.offset;
      const size = imageSize(new SliceSource(file, before.offset));
      if (this.#rules.wholeSplitImages ? size >= mapping.end - before.end : size > offset) {
        const source = new SliceSource(file, before.offset, size);
        return { source, file, start: before.offset, offset };
      }
    }
    return { source: own, file, start: mapping.offset, offset: 0 };
  }

  #inMemory(index: number, mapping: Mapping): Place | null {
    const here: MemoryRange = { offset: 0, address: mapping.start, size: mapping.end - mapping.start };
    const own = new MemorySource(this.#memory, [here]);
    if (isElf(own)) {
      const next = this.#mappings.neighbour(index, 1);
      const place = { file: null, start: mapping.offset, offset: 0 };
      if (mapping.offset !== 0 || next === null || next.offset <= 0) return { ...place, source: own };
      return { ...place, source: new MemorySource(this.#memory, [here, rangeOf(next, next.offset)]) };
    }
    const before = this.#mappings.neighbour(index, -1);
    if (mapping.offset === 0 || before === null || before.offset >= mapping.offset) return null;
    const offset = mapping.offset - before.offset;
    const source = new MemorySource(this.#memory, [rangeOf(before, 0), rangeOf(mapping, offset)]);
    return { source, file: null, start: before.offset, offset };
  }
}

function rangeOf(mapping: Mapping, offset: number): MemoryRange {
  return { offset, address: mapping.start, size: mapping.end - mapping.start };
}

/**
 * Size of the image as its headers tell: the end of its section headers or of its last segment, whichever is later
 * (tools that rename a library append a segment). 0 when there is no image.
 */
function imageSize(source: ByteSource): number {
  const elf = ElfFile.parse(source);
  if (elf instanceof ElfError) return 0;
  let size = elf.sectionHeadersEnd;
  for (const segment of elf.segments)
    if (segment.type === SegmentType.load) size = Math.max(size, segment.offset + segment.filesz);
  return size;
}

function open(place: Place, machine: number, mapping: Mapping): FoundElf {
  const elf = ElfFile.parse(place.source);
  const none = { elf: null, file: place.file, start: mapping.offset, offset: place.offset };
  if (elf instanceof ElfError) return { ...none, error: elf.message };
  if (elf.machine !== machine) {
    // Code of another CPU (run by a translator) still has its own addresses.
    const error = `its machine is ${elf.machine}, not ${machine}`;
    return { ...none, offset: place.offset + elf.loadBias, error };
  }
  return { elf, file: place.file, start: place.start, offset: place.offset, error: '' };
}
