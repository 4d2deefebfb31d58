import type { ElfFile } from '../elf/elf-file.js';
import type { Naming, SymbolSource } from '../unwind/module.js';
import { ElfSymbols, type ElfSymbolsOptions } from './elf-symbols.js';

/** How the unwinder gets its names. `demangle` is `Demangler.demangle`, or the identity in a test. */
export function naming(demangle: (name: string) => string, options: ElfSymbolsOptions = {}): Naming {
  const known = new WeakMap<ElfFile, SymbolSource>();
  return {
    demangle,
    symbols(elf) {
      let symbols = known.get(elf);
      if (symbols === undefined) {
        symbols = new ElfSymbols(elf, options);
        known.set(elf, symbols);
      }
      return symbols;
    },
  };
}
