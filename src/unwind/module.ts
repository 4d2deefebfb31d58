/**
 * What the walk asks of code, whatever describes it: an ELF image, a PE or Mach-O file, a symbol file, a list of a JIT
 * compiler. Each kind implements `CodeModule`, and a `ModuleFinder` that says which mapping it lies behind; the walk
 * knows no kind by name.
 */
import type { ByteSource } from '../bytes/byte-source.js';
import type { WordMemory } from '../bytes/word-memory.js';
import type { FunctionAt, SourceAt } from '../symbols/provider.js';
import type { CodeBytes } from './code-bytes.js';
import type { Mapping } from './mapping.js';
import type { MappingTable } from './mapping-table.js';
import type { RegisterState } from './registers.js';
import type { StepStatus } from './rules/stepper.js';

/** What a module's tables said of the pc of the last step. */
export interface StepFacts {
  /** The number in `TRUSTS` of the frame that the step leads to. */
  readonly trust: number;
  /** The table that gave the rule, as explanations name it; '' when none covered the pc. */
  readonly source: string;
  /** Why the last table that covered the pc failed; '' otherwise. */
  readonly error: string;
  /** The address that the failed table wanted to read and that is not there; -1 for none. */
  readonly missing: number;
  /**
   * FINISHED was only the refusal of a table that refuses code without tables in the same way as the outermost
   * function.
   */
  readonly refused: boolean;
}

/**
 * Code with one range of addresses, its own: a mapping's bias leads from the process's to these. Nothing here throws.
 */
export interface CodeModule {
  /** Lower-case hex; null when it has none. */
  readonly buildId: string | null;
  /** The module's code, by its addresses. */
  readonly code: CodeBytes;
  /**
   * Steps by the first table that can. When one failed and no later one covers the pc, the result is FAILED.
   *
   * @param pc address to look up, already moved back into the call instruction
   * @param registers the frame's in, the caller's out; when the result is FAILED they may be changed
   * @param saved the same as `registers`, and not changed
   */
  step(pc: number, registers: RegisterState, memory: WordMemory, saved: RegisterState): StepStatus;
  readonly last: StepFacts;
  /** The rule that the last step followed at this pc, as text for an explanation; '' when there is nothing to say. */
  describe(pc: number): string;
  functionAt(address: number): FunctionAt | null;
  /** Source position and inlined calls at an address; null when nothing is known. */
  sourceAt(address: number): SourceAt | null;
  /** Whether a table has a rule for the address. */
  covers(address: number): boolean;
  /** Whether its symbols name functions at all: then code that none of them covers is none. */
  readonly hasFunctions: boolean;
  /** A lower bound of the address at which the function of the pc begins, where tables tell; 0 without one. */
  functionBound(pc: number): number;
  /**
   * Whether the pc lies in code that the kernel or the dynamic linker jumps to, or that begins a thread: nobody called
   * it.
   */
  isStartCode(pc: number): boolean;
}

/** What is known of one mapping. */
export interface MappedModule {
  /** Null when nothing describes its code. */
  readonly module: CodeModule | null;
  /** pc + bias = the address in the module. */
  readonly bias: number;
  /**
   * Whether the module's addresses are those of the process, whatever the bias (which still gives the pc that frames
   * print).
   */
  readonly absolute: boolean;
  /** Where in the file the module begins; see `UnwoundFrame.elfOffset`. */
  readonly start: number;
  /** The name that frames print. */
  readonly name: string;
  /** Why there is no module; '' otherwise. */
  readonly error: string;
}

/** Finds the modules of one kind. */
export interface ModuleFinder {
  /**
   * What is behind the mapping with this index; null when it is for other finders to say. Asked once for each mapping.
   */
  find(index: number, mappings: MappingTable): MappedModule | null;
}

/**
 * Where the files behind mappings come from: descriptors, a directory of a test, nothing. Asked once per mapping at
 * most.
 */
export interface ModuleSource {
  /**
   * The whole file behind a mapping, null when there is none or it must not be used (its device and inode are not the
   * mapping's). The same object for each mapping of one file.
   */
  file(mapping: Mapping): ByteSource | null;
}

/** Code that was made at run time. */
export interface JitSource {
  /** The module that covers an absolute pc; its addresses are absolute. Null when none does. */
  find(pc: number): CodeModule | null;
}

/** Names for dex pcs (Android's interpreter). */
export interface DexSource {
  functionAt(dexPc: number): FunctionAt | null;
}
