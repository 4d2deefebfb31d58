/** JIT code and dex files of one process, opened when a pc first needs them. */
import type { Memory } from '../../bytes/memory.js';
import type { SymbolProvider } from '../../symbols/provider.js';
import type { DexSource, JitSource, ModuleSource } from '../module.js';
import type { ProcessImages } from '../process-images.js';
import { DexFiles } from './dex.js';
import { globalVariable } from './global-variable.js';
import { GdbJit } from './jit.js';

/** What a process tells debuggers of code that it made or loaded at run time. */
export interface RuntimeCode {
  readonly jit: JitSource;
  readonly dex: DexSource;
}

export interface RuntimeCodeOptions {
  readonly images: ProcessImages;
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  /** Only what Android's unwinder does. */
  readonly strict: boolean;
}

/** Reads the lists of gdb's JIT interface and of Android's dex files, each when a pc first needs it. */
export function runtimeCode({ images, memory, files, naming, strict }: RuntimeCodeOptions): RuntimeCode {
  const { arch } = images;
  const { mappings } = images.mappings;
  const descriptors = (name: string) => () =>
    globalVariable(
      {
        mappings,
        find: (index) => images.foundAt(index),
        variable: (elf, variable) => naming.variable?.(elf, variable) ?? null,
      },
      name,
    );
  return {
    jit: new GdbJit({
      arch,
      memory,
      descriptors: descriptors('__jit_debug_descriptor'),
      names: (elf, pc) => naming.symbols(elf).functionAt(pc) !== null,
      sections: !strict,
    }),
    dex: new DexFiles({
      arch,
      memory,
      mappings,
      file: (mapping) => (mapping.name === '' ? null : files.file(mapping)),
      descriptors: descriptors('__dex_debug_descriptor'),
      scan: !strict,
    }),
  };
}
