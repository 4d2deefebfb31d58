/** What each way of unwinding one frame offers the walk. */
import type { WordMemory } from '../bytes/word-memory.js';
import type { RegisterState } from './registers.js';

/**
 * What a stepper did with a frame.
 * - NOT_COVERED: it has nothing for this pc.
 * - FAILED: it has a rule, but the rule is broken or memory that it needs is missing. `registers` may be changed: the loop restores.
 * - STEPPED: `registers` now hold the caller's.
 * - FINISHED: this was the outermost frame.
 */
export const NOT_COVERED = 0;
export const FAILED = 1;
export const STEPPED = 2;
export const FINISHED = 3;
export type StepStatus = typeof NOT_COVERED | typeof FAILED | typeof STEPPED | typeof FINISHED;

/** Unwinds one frame by one kind of knowledge. Never throws; every loop bounded by its tables. */
export interface Stepper {
  /**
   * @param pc address to look up, in the image's own addresses (relPc, already moved back into the call instruction)
   * @param registers the frame's registers in, the caller's out
   * @param memory the target's memory
   */
  step(pc: number, registers: RegisterState, memory: WordMemory): StepStatus;
}
