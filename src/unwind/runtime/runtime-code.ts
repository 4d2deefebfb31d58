/** JIT code and dex files of one process, opened when a pc first needs them. */
import type { Memory } from '../../bytes/memory.js';
import type { SymbolProvider } from '../../symbols/provider.js';
import type { ElfModules } from '../elf/elf-modules.js';
import type { DexSource, JitSource, ModuleSource } from '../module.js';
import type { RuleSet } from '../rule-set.js';
import { DexFiles } from './dex.js';
import { globalVariable } from './global-variable.js';
import { GdbJit } from './jit.js';

/** What a process tells debuggers of code that it made or loaded at run time. */
export interface RuntimeCode {
  readonly jit: JitSource;
  readonly dex: DexSource;
}

export interface RuntimeCodeOptions {
  readonly modules: ElfModules;
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  readonly rules: RuleSet['runtime'];
}

/** Reads the lists of gdb's JIT interface and of Android's dex files, each when a pc first needs it. */
export function runtimeCode({ modules, memory, files, naming, rules }: RuntimeCodeOptions): RuntimeCode {
  const { arch } = modules;
  const { mappings } = modules.mappings;
  const descriptors = (name: string) => () =>
    globalVariable(
      {
        mappings,
        find: (index) => modules.foundAt(index),
        variable: (elf, variable) => naming.variable?.(elf, variable) ?? null,
      },
      name,
    );
  const jit = new GdbJit({
    arch,
    memory,
    descriptors: descriptors('__jit_debug_descriptor'),
    names: (elf, pc) => naming.symbols(elf).functionAt(pc) !== null,
    sections: rules.jitSections,
  });
  return {
    jit: {
      find: (pc) => {
        const elf = jit.find(pc);
        return elf === null ? null : modules.jit(elf);
      },
    },
    dex: new DexFiles({
      arch,
      memory,
      mappings,
      file: (mapping) => (mapping.name === '' ? null : files.file(mapping)),
      descriptors: descriptors('__dex_debug_descriptor'),
      scan: rules.dexScan,
    }),
  };
}
