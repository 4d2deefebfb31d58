/** The ELF images of one process, by mapping. */
import type { Arch } from '../../arch/arch.js';
import type { ByteSource } from '../../bytes/byte-source.js';
import type { Memory } from '../../bytes/memory.js';
import { frameRanges } from '../../objects/dwarf/frame-sections.js';
import { RegisterMap } from '../../objects/dwarf/register-map.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import { SegmentType } from '../../objects/elf/layout.js';
import { storedEntryAt } from '../../objects/elf/zip.js';
import type { SymbolProvider } from '../../symbols/provider.js';
import type { Mapping } from '../mapping.js';
import type { MappingTable } from '../mapping-table.js';
import type { MappedModule, ModuleFinder, ModuleSource } from '../module.js';
import { DEFAULT_RULES, type RuleSet } from '../rule-set.js';
import { ElfModule } from './elf-module.js';
import { type IdentifiedSource, ImageCache } from './image-cache.js';
import { type FoundElf, ImageFinder } from './image-finder.js';

const SHF_EXECINSTR = 4;

export interface ElfModulesOptions {
  readonly arch: Arch;
  readonly mappings: MappingTable;
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  readonly cache?: ImageCache;
  /** The separated debug file of an image. An image of a cache keeps the one that it was first given. */
  readonly debugFile?: (elf: ElfFile) => ElfFile | null;
  /** @default DEFAULT_RULES */
  readonly rules?: RuleSet;
}

/** The ELF images of one process, found when a pc first falls into their mapping. */
export class ElfModules implements ModuleFinder {
  readonly mappings: MappingTable;
  readonly arch: Arch;
  readonly #options: ElfModulesOptions;
  readonly #rules: RuleSet;
  readonly #finder: ImageFinder;
  readonly #registers: RegisterMap;
  readonly #cache: ImageCache;
  readonly #known: (MappedElf | undefined)[];
  /** Images found so far, by the file and where they begin in it: mappings of one file share one. */
  readonly #byFile = new Map<ByteSource, Map<number, ElfModule>>();
  readonly #jit = new WeakMap<ElfFile, ElfModule>();

  constructor(options: ElfModulesOptions) {
    this.#options = options;
    this.#rules = options.rules ?? DEFAULT_RULES;
    this.mappings = options.mappings;
    this.arch = options.arch;
    this.#cache = options.cache ?? new ImageCache(0);
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
    this.#finder = new ImageFinder(options.mappings, files, options.memory, this.#rules.elf);
  }

  find(index: number): MappedElf {
    return this.#known[index] ?? this.#find(index);
  }

  /** What is behind a mapping, as the finder put it. */
  foundAt(index: number): FoundElf {
    const { module, bias, start, error } = this.find(index);
    const elf = module?.elf ?? null;
    const offset = bias + this.mappings.mappings[index]!.start - (elf?.loadBias ?? 0);
    return { elf, file: null, start, offset, error };
  }

  /** The module of code made at run time, whose addresses are absolute. */
  jit(elf: ElfFile): ElfModule {
    let module = this.#jit.get(elf);
    if (module === undefined) {
      module = this.#make(elf);
      this.#jit.set(elf, module);
    }
    return module;
  }

  #find(index: number): MappedElf {
    const mapping = this.mappings.mappings[index]!;
    const found = this.#finder.find(index, this.#options.arch.elfMachine);
    const module = found.elf === null ? null : this.#share(found.file, found.start, found.elf);
    const bias = (module?.elf.loadBias ?? 0) + found.offset - mapping.start;
    const absolute = found.elf !== null && isAbsolute(found.elf, mapping);
    const name = (): string => this.#nameOf(mapping, module, found.start);
    const mapped = new MappedElf(module, bias, absolute, found, name);
    this.#known[index] = mapped;
    return mapped;
  }

  /** The file, with `!soname` (else its name in the apk) when the image begins inside it. */
  #nameOf(mapping: Mapping, module: ElfModule | null, start: number): string {
    if (module === null || start === 0 || mapping.name === '') return mapping.name;
    const { elf } = module;
    const inner = this.#rules.elf.allInnerNames ? (elf.soname ?? this.#storedName(mapping, start)) : elf.sectionSoname;
    return inner === null ? mapping.name : `${mapping.name}!${inner}`;
  }

  /** What the zip file that an image without soname was mapped from calls it. */
  #storedName(mapping: Mapping, start: number): string | null {
    const file = this.#options.files.file(mapping);
    const entry = file === null ? null : storedEntryAt(file, start);
    return entry === null ? null : entry.name.slice(entry.name.lastIndexOf('/') + 1);
  }

  #share(file: ByteSource | null, start: number, elf: ElfFile): ElfModule {
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

  #make(elf: ElfFile): ElfModule {
    const { arch, naming, debugFile } = this.#options;
    return new ElfModule(elf, arch, this.#registers, naming, this.#rules, debugFile?.(elf));
  }
}

/** What is known of one mapping; its name is made when a frame is first named. */
export class MappedElf implements MappedModule {
  readonly module: ElfModule | null;
  readonly bias: number;
  /** See `isAbsolute`. */
  readonly absolute: boolean;
  readonly start: number;
  readonly error: string;
  readonly #makeName: () => string;
  #name: string | null = null;

  constructor(module: ElfModule | null, bias: number, absolute: boolean, found: FoundElf, name: () => string) {
    this.module = module;
    this.bias = bias;
    this.absolute = absolute;
    this.start = found.start;
    this.error = found.error;
    this.#makeName = name;
  }

  get name(): string {
    this.#name ??= this.#makeName();
    return this.#name;
  }
}

/**
 * Whether a mapped image has the process's addresses: profilers write what gdb's JIT interface shows into files, and
 * map those over the code. Such an image has no segments, and an executable section where the mapping is.
 */
function isAbsolute(elf: ElfFile, mapping: Mapping): boolean {
  if (elf.segments.some(({ type }) => type === SegmentType.load)) return false;
  const inside = (address: number): boolean => address >= mapping.start && address < mapping.end;
  if (elf.sections.some(({ flags, addr }) => (flags & SHF_EXECINSTR) !== 0 && inside(addr))) return true;
  return frameRanges(elf).some(({ starts }) => starts.some(inside));
}
