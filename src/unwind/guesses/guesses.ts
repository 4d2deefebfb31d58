/** What the walk asks where no table leads on. */
import type { Explain } from '../explain.js';
import type { FrameBuffer } from '../frame-buffer.js';
import type { CodeModule } from '../module.js';
import type { RegisterState } from '../registers.js';

/** Nothing fits: the stack ends here. */
export const NO_WAY_ON = -1;
/** The frame is the outermost one: nobody called it. */
export const OUTERMOST = -2;

/** A frame that no table could be followed from. */
export interface StuckFrame {
  /** The frame was interrupted: its pc is no return address. */
  readonly context: boolean;
  /** The module that it lies in. */
  readonly module: CodeModule | null;
  /** Its pc in the module's addresses. */
  readonly pc: number;
  /** The stack was not copied as far as the frame's table needs it. */
  readonly cutOff: boolean;
  /** Its number. */
  readonly frame: number;
}

/** A way to go on from frames that no table describes. Holds the state of one walk. */
export interface Guesses {
  /** Begins a new stack. */
  reset(): void;
  /** A table led on from the last frame. */
  stepped(): void;
  /** Whether the last frame, which no table describes either, is to be left out: the walk ends then. */
  drops(frames: FrameBuffer): boolean;
  /** Moves `registers` to the caller's. Returns how (a number in `TRUSTS`), NO_WAY_ON or OUTERMOST. */
  step(registers: RegisterState, stuck: StuckFrame, explain: Explain | null): number;
}
