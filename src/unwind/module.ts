import type { ByteSource } from '../bytes/byte-source.js';
import type { ElfFile } from '../objects/elf/elf-file.js';
import type { Mapping } from './mapping.js';

/** Where the files behind mappings come from: descriptors, a directory of a test, nothing. Asked once per mapping at most. */
export interface ModuleSource {
  /**
   * The whole file behind a mapping, null when there is none or it must not be used (its device and inode are not the mapping's).
   * The same object for each mapping of one file.
   */
  file(mapping: Mapping): ByteSource | null;
}

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

/** What the unwinder asks of symbols/ (which lies beside it); injected. */
export interface Naming {
  /** Tables of an image, its .gnu_debugdata included, in Android's order of search. Never throws; empty when it has none. */
  symbols(elf: ElfFile): SymbolSource;
  /** Address of an image's global variable, in its own addresses; null when it defines none of that name. */
  variable?(elf: ElfFile, name: string): number | null;
  /** A name as frames print it; the name itself when it is not mangled. */
  demangle(name: string): string;
}

/** Code that was made at run time: gdb's JIT interface. */
export interface JitSource {
  /** The image that covers an absolute pc; its addresses (segments, symbols, unwind tables) are absolute. Null when none does. */
  find(pc: number): ElfFile | null;
}

/** Names for dex pcs (Android's interpreter). */
export interface DexSource {
  functionAt(dexPc: number): FunctionAt | null;
}
