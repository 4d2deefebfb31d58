/** The symbol provider of ELF images, with a demangler. */
import type { ElfFile } from '../objects/elf/elf-file.js';
import type { SymbolProvider } from './provider.js';
import { ElfSymbols, type ElfSymbolsOptions } from './tables/elf-symbols.js';

/** How the unwinder gets its names. `demangle` is `Demangler.demangle`, or the identity in a test. */
export function naming(demangle: (name: string) => string, options: ElfSymbolsOptions = {}): SymbolProvider {
  const known = new WeakMap<ElfFile, ElfSymbols>();
  const symbols = (elf: ElfFile): ElfSymbols => {
    let found = known.get(elf);
    if (found === undefined) {
      found = new ElfSymbols(elf, options);
      known.set(elf, found);
    }
    return found;
  };
  return { demangle, symbols, variable: (elf, name) => symbols(elf).variable(name)?.value ?? null };
}
