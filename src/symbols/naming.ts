/** The symbol provider of files with symbol tables (today ELF images), with a demangler. */
import { ElfFile } from '../objects/elf/elf-file.js';
import type { ObjectFile } from '../objects/object-file.js';
import type { SymbolProvider, SymbolSource } from './provider.js';
import { ElfSymbols, type ElfSymbolsOptions } from './tables/elf-symbols.js';

const NO_SYMBOLS: SymbolSource = { functionAt: () => null, isEmpty: true };

/**
 * How the unwinder gets its names: the tables of an image, its .gnu_debugdata included, in Android's order of search.
 * `demangle` is `Demangler.demangle`, or the identity in a test.
 */
export function naming(demangle: (name: string) => string, options: ElfSymbolsOptions = {}): SymbolProvider {
  const known = new WeakMap<ObjectFile, ElfSymbols>();
  const tables = (file: ObjectFile): ElfSymbols | null => {
    if (!(file instanceof ElfFile)) return null;
    let found = known.get(file);
    if (found === undefined) {
      found = new ElfSymbols(file, options);
      known.set(file, found);
    }
    return found;
  };
  return {
    demangle,
    symbols: (file) => tables(file) ?? NO_SYMBOLS,
    variable: (file, name) => tables(file)?.variable(name)?.value ?? null,
  };
}
