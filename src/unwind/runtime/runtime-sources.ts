import type { Arch } from '../../arch/arch.js';
import type { Memory } from '../../bytes/memory.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import { naming } from '../../symbols/naming.js';
import { ElfSymbols } from '../../symbols/tables/elf-symbols.js';
import { ImageFinder } from '../image-finder.js';
import type { Mapping } from '../mapping.js';
import { MappingTable } from '../mapping-table.js';
import type { DexSource, JitSource, ModuleSource } from '../module.js';
import { DexFiles } from './dex.js';
import { globalVariable } from './global-variable.js';
import { GdbJit } from './jit.js';

export interface RuntimeCodeOptions {
  readonly arch: Arch;
  readonly mappings: readonly Mapping[];
  readonly memory: Memory;
  readonly files: ModuleSource;
  /** Only what Android's unwinder finds. @default false */
  readonly strict?: boolean;
}

/**
 * Code that a process made at run time and dex files that it interprets, for an Unwinder's `jit` and `dex`. Nothing is read before
 * a pc is asked for that no mapped image explains; then the images are searched for the runtime's descriptors.
 */
export function runtimeCode(options: RuntimeCodeOptions): { readonly jit: JitSource; readonly dex: DexSource } {
  const { arch, memory, files } = options;
  const strict = options.strict ?? false;
  const table = new MappingTable(options.mappings);
  const names = naming((name) => name, { dynamic: false, bisect: strict });
  const finder = new ImageFinder(table, files, memory, strict);
  const places = {
    mappings: table.mappings,
    find: (index: number) => finder.find(index, arch.elfMachine),
    variable: (elf: ElfFile, name: string) => new ElfSymbols(elf, { dynamic: !strict }).variable(name)?.value ?? null,
  };
  return {
    jit: new GdbJit({
      arch,
      memory,
      descriptors: () => globalVariable(places, '__jit_debug_descriptor'),
      names: (elf, pc) => names.symbols(elf).functionAt(pc) !== null,
      sections: !strict,
    }),
    dex: new DexFiles({
      arch,
      memory,
      mappings: table.mappings,
      file: (mapping) => files.file(mapping),
      descriptors: () => globalVariable(places, '__dex_debug_descriptor'),
      scan: !strict,
    }),
  };
}
