/** The names of functions as the walk asks for them, whatever file they come from. */
import type { ElfFile } from '../objects/elf/elf-file.js';

/** A function and how far from its start an address lies. */
export interface FunctionAt {
  /** As the symbol table has it, mangled. */
  readonly name: string;
  readonly offset: number;
}

/** The names of one image's functions. Addresses are the image's own (p_vaddr space), so a frame's relPc. */
export interface SymbolSource {
  functionAt(address: number): FunctionAt | null;
  /** Bytes that the tables take, where known: for a cache's bound. */
  readonly byteLength?: number;
}

/** What an unwinder asks for names; injected. */
export interface SymbolProvider {
  /** Tables of an image, its .gnu_debugdata included, in Android's order of search. Never throws; empty when it has none. */
  symbols(elf: ElfFile): SymbolSource;
  /** Address of an image's global variable, in its own addresses; null when it defines none of that name. */
  variable?(elf: ElfFile, name: string): number | null;
  /** A name as frames print it; the name itself when it is not mangled. */
  demangle(name: string): string;
}
