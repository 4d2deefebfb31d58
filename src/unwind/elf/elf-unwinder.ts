/**
 * The unwinder of a process whose code is ELF images: the walk, the images, and what the process says of code made at
 * run time.
 */
import type { ElfFile } from '../../objects/elf/elf-file.js';
import type { SymbolProvider } from '../../symbols/provider.js';
import type { Mapping } from '../mapping.js';
import { MappingTable } from '../mapping-table.js';
import type { ModuleFinder, ModuleSource } from '../module.js';
import { DEFAULT_RULES } from '../rule-set.js';
import { runtimeCode } from '../runtime/runtime-code.js';
import { Unwinder, type UnwinderOptions } from '../unwinder.js';
import { ElfModules } from './elf-modules.js';
import type { ImageCache } from './image-cache.js';

export interface ElfUnwinderOptions extends Omit<UnwinderOptions, 'finders' | 'mappings' | 'demangle'> {
  /** In any order. */
  readonly mappings: readonly Mapping[];
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  readonly cache?: ImageCache;
  /** The separated debug file of an image. */
  readonly debugFile?: (elf: ElfFile) => ElfFile | null;
  /** Asked before the ELF images. */
  readonly finders?: readonly ModuleFinder[];
}

/**
 * The images of a process, and the unwinder over them. `jit` and `dex` of the options go before what the process says
 * itself.
 */
export function elfProcess(options: ElfUnwinderOptions): { readonly elf: ElfModules; readonly unwinder: Unwinder } {
  const { files, naming, memory, finders = [], rules = DEFAULT_RULES } = options;
  const mappings = new MappingTable(options.mappings);
  const elf = new ElfModules({ ...options, mappings });
  const told = runtimeCode({ modules: elf, memory, files, naming, rules: rules.runtime });
  const { demangle } = naming;
  const unwinder = new Unwinder({ ...told, ...options, demangle, mappings, finders: [...finders, elf] });
  return { elf, unwinder };
}

export function elfUnwinder(options: ElfUnwinderOptions): Unwinder {
  return elfProcess(options).unwinder;
}
