/** What each kind of unwind table offers its module. */
import type { Arch } from '../../arch/arch.js';
import type { WordMemory } from '../../bytes/word-memory.js';
import type { RegisterState } from '../registers.js';

/**
 * What a stepper did with a frame.
 * - NOT_COVERED: it has nothing for this pc.
 * - FAILED: it has a rule, but the rule is broken or memory that it needs is missing. `registers` may be changed: the
 *   loop restores.
 * - STEPPED: `registers` now hold the caller's.
 * - FINISHED: this was the outermost frame.
 */
export const NOT_COVERED = 0;
export const FAILED = 1;
export const STEPPED = 2;
export const FINISHED = 3;
export type StepStatus = typeof NOT_COVERED | typeof FAILED | typeof STEPPED | typeof FINISHED;

/** Unwinds one frame by one table. Never throws; every loop bounded by its tables. */
export interface Stepper {
  /** The number in `TRUSTS` of the frames that it leads to. */
  readonly trust: number;
  /**
   * FINISHED was only the refusal of a table that says the same of code without tables as of the outermost function.
   */
  readonly refused: boolean;
  /** Why the last step failed. */
  readonly errorText: string;
  /** The address that the last step wanted to read and that is not there; -1 when it failed for another reason. */
  readonly missing: number;
  /** Bytes that the table takes: for a cache's bound. */
  readonly byteLength: number;
  /**
   * @param pc address to look up, in the image's own addresses (relPc, already moved back into the call instruction)
   * @param registers the frame's registers in, the caller's out
   * @param memory the target's memory
   */
  step(pc: number, registers: RegisterState, memory: WordMemory): StepStatus;
  /** Whether the table has a rule for the address. */
  covers(pc: number): boolean;
  /** Where at the earliest the function of the pc begins, where the table tells; 0 without. */
  functionBound(pc: number): number;
  /** The rule for the pc as text; '' where there is none to show. */
  describe(pc: number, arch: Arch): string;
}
