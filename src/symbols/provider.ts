/** Names and source lines as the walk asks for them, whatever file they come from. */
import type { ObjectFile } from '../objects/object-file.js';

/** A function and how far from its start an address lies. */
export interface FunctionAt {
  /** As the symbol table has it, mangled. */
  readonly name: string;
  readonly offset: number;
}

/** A place in a source file. */
export interface SourcePosition {
  /** As the debug information has it: mostly an absolute path on the machine that compiled it. */
  readonly file: string;
  /** From 1 on; 0 where only the file is known. */
  readonly line: number;
}

/**
 * A function that was inlined, and where in it the address is: its own line, or that of the call of the next inner one.
 */
export interface InlinedFunction {
  /** As the debug information has it, mangled or not. */
  readonly name: string;
  readonly source: SourcePosition | null;
}

/** What the source was at an address. */
export interface SourceAt {
  /** In the function that the symbol names: where an inlined call is, the line of that call. */
  readonly position: SourcePosition | null;
  /** The calls inlined at the address, the innermost first. */
  readonly inlined: readonly InlinedFunction[];
}

/** The names of one image's functions. Addresses are the image's own (p_vaddr space), so a frame's relPc. */
export interface SymbolSource {
  functionAt(address: number): FunctionAt | null;
  /** Source position and inlined calls; absent where the source knows no lines. */
  sourceAt?(address: number): SourceAt | null;
  /** Whether it names no function at all; absent where that is not known. */
  readonly isEmpty?: boolean;
  /** Bytes that the tables take, where known: for a cache's bound. */
  readonly byteLength?: number;
}

/** What an unwinder asks for names; injected. */
export interface SymbolProvider {
  /** The names of one file's functions. Never throws; empty when there are none. */
  symbols(file: ObjectFile): SymbolSource;
  /** Address of a file's global variable, in its own addresses; null when it defines none of that name. */
  variable?(file: ObjectFile, name: string): number | null;
  /** A name as frames print it; the name itself when it is not mangled. */
  demangle(name: string): string;
}
