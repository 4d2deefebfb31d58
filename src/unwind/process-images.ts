/** The images of one process, by pc. */
import type { Arch } from '../arch/arch.js';
import type { ByteSource } from '../bytes/byte-source.js';
import type { Memory } from '../bytes/memory.js';
import { frameRanges } from '../objects/dwarf/frame-sections.js';
import { RegisterMap } from '../objects/dwarf/register-map.js';
import type { ElfFile } from '../objects/elf/elf-file.js';
import { SegmentType } from '../objects/elf/layout.js';
import { storedEntryAt } from '../objects/elf/zip.js';
import type { SymbolProvider } from '../symbols/provider.js';
import { Image } from './image.js';
import { type IdentifiedSource, ImageCache } from './image-cache.js';
import { type FoundElf, ImageFinder } from './image-finder.js';
import type { Mapping } from './mapping.js';
import type { MappingTable } from './mapping-table.js';
import type { ModuleSource } from './module.js';

const SHF_EXECINSTR = 4;

/** What is known of one mapping. */
export interface MappedImage {
  /** Null when there is no ELF image behind it. */
  readonly image: Image | null;
  /** pc + bias = relPc. */
  readonly bias: number;
  /** Whether the image's addresses are those of the process: see `isAbsolute`. */
  readonly absolute: boolean;
  /** Where in the file the image begins; see `FoundElf.start`. */
  readonly start: number;
  /** Why there is no image; '' otherwise. */
  readonly error: string;
}

export interface ProcessImagesOptions {
  readonly arch: Arch;
  readonly mappings: MappingTable;
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  readonly cache?: ImageCache;
  readonly strict?: boolean;
}

/** The images of one process, found when a pc first falls into their mapping. */
export class ProcessImages {
  readonly mappings: MappingTable;
  readonly arch: Arch;
  readonly #options: ProcessImagesOptions;
  readonly #finder: ImageFinder;
  readonly #registers: RegisterMap;
  readonly #cache: ImageCache;
  readonly #known: (MappedImage | undefined)[];
  /** Images found so far, by the file and where they begin in it: mappings of one file share one. */
  readonly #byFile = new Map<ByteSource, Map<number, Image>>();
  readonly #jit = new WeakMap<ElfFile, Image>();
  readonly #storedNames = new Map<string, string | null>();

  constructor(options: ProcessImagesOptions) {
    this.#options = options;
    this.mappings = options.mappings;
    this.arch = options.arch;
    // What is compiled for one mode must not serve the other.
    this.#cache = (options.strict ? undefined : options.cache) ?? new ImageCache(0);
    this.#registers = new RegisterMap(options.arch);
    this.#known = new Array(options.mappings.mappings.length);
    const opened = new Map<ByteSource, ByteSource>();
    const files: ModuleSource = {
      file: (mapping) => {
        const file: IdentifiedSource | null = options.files.file(mapping);
        if (file === null) return null;
        const known = opened.get(file) ?? this.#cache.open(file);
        opened.set(file, known);
        return known;
      },
    };
    this.#finder = new ImageFinder(options.mappings, files, options.memory, options.strict ?? false);
  }

  /** What is behind a mapping. */
  at(index: number): MappedImage {
    return this.#known[index] ?? this.#find(index);
  }

  /** The same, as the finder put it. */
  foundAt(index: number): FoundElf {
    const { image, bias, start, error } = this.at(index);
    const elf = image?.elf ?? null;
    const offset = bias + this.mappings.mappings[index]!.start - (elf?.loadBias ?? 0);
    return { elf, file: null, start, offset, error };
  }

  /** The image of code made at run time, whose addresses are absolute. */
  jit(elf: ElfFile): Image {
    let image = this.#jit.get(elf);
    if (image === undefined) {
      image = this.#make(elf);
      this.#jit.set(elf, image);
    }
    return image;
  }

  /**
   * The name that frames print for a mapping: the file, with `!soname` (else its name in the apk) when the image begins inside it.
   * @param strict the soname only as Android finds it
   */
  nameOf(index: number, strict: boolean): string {
    const mapping = this.mappings.mappings[index]!;
    const { image, start } = this.at(index);
    if (image === null || start === 0 || mapping.name === '') return mapping.name;
    const inner = strict ? image.elf.sectionSoname : (image.elf.soname ?? this.#storedName(mapping, start));
    return inner === null ? mapping.name : `${mapping.name}!${inner}`;
  }

  /** What the zip file that an image without soname was mapped from calls it. */
  #storedName(mapping: Mapping, start: number): string | null {
    const key = `${start} ${mapping.name}`;
    let name = this.#storedNames.get(key);
    if (name === undefined) {
      const file = this.#options.files.file(mapping);
      const entry = file === null ? null : storedEntryAt(file, start);
      name = entry === null ? null : entry.name.slice(entry.name.lastIndexOf('/') + 1);
      this.#storedNames.set(key, name);
    }
    return name;
  }

  #find(index: number): MappedImage {
    const mapping = this.mappings.mappings[index]!;
    const found = this.#finder.find(index, this.#options.arch.elfMachine);
    const image = found.elf === null ? null : this.#share(found.file, found.start, found.elf);
    const bias = (image?.elf.loadBias ?? 0) + found.offset - mapping.start;
    const absolute = found.elf !== null && isAbsolute(found.elf, mapping);
    const mapped = { image, bias, absolute, start: found.start, error: found.error };
    this.#known[index] = mapped;
    return mapped;
  }

  #share(file: ByteSource | null, start: number, elf: ElfFile): Image {
    if (file === null) return this.#make(elf);
    let images = this.#byFile.get(file);
    if (images === undefined) {
      images = new Map();
      this.#byFile.set(file, images);
    }
    let image = images.get(start) ?? this.#cache.get(file, start, elf);
    if (image === null || image === undefined) {
      image = this.#make(elf);
      this.#cache.put(file, start, image);
    }
    images.set(start, image);
    return image;
  }

  #make(elf: ElfFile): Image {
    const { arch, naming, strict } = this.#options;
    return new Image(elf, arch, this.#registers, naming, strict);
  }
}

/**
 * Whether a mapped image has the process's addresses: profilers write what gdb's JIT interface shows into files, and map those over
 * the code. Such an image has no segments, and an executable section where the mapping is.
 */
function isAbsolute(elf: ElfFile, mapping: Mapping): boolean {
  if (elf.segments.some(({ type }) => type === SegmentType.load)) return false;
  const inside = (address: number): boolean => address >= mapping.start && address < mapping.end;
  if (elf.sections.some(({ flags, addr }) => (flags & SHF_EXECINSTR) !== 0 && inside(addr))) return true;
  return frameRanges(elf).some(({ starts }) => starts.some(inside));
}
