/** The interfaces through which the walk gets files, JIT code and dex files. */
import type { ByteSource } from '../bytes/byte-source.js';
import type { ElfFile } from '../objects/elf/elf-file.js';
import type { FunctionAt } from '../symbols/provider.js';
import type { Mapping } from './mapping.js';

/** Where the files behind mappings come from: descriptors, a directory of a test, nothing. Asked once per mapping at most. */
export interface ModuleSource {
  /**
   * The whole file behind a mapping, null when there is none or it must not be used (its device and inode are not the mapping's).
   * The same object for each mapping of one file.
   */
  file(mapping: Mapping): ByteSource | null;
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
