/** Which words of a stack a report shows: some before the innermost frame, and those of each frame. */
import type { Frame } from './report.js';

/** Words shown of a frame at most, and before the first one. */
export const STACK_WORDS = 16;

export interface StackSegment {
  /** Index of the frame; -1 for the words before the first one. */
  readonly frame: number;
  readonly address: number;
  readonly words: number;
}

/**
 * Words of a frame that are shown: all of its own, but 16 at most and one at least. The last frame's size is not known.
 */
function frameWords(frame: Frame, next: Frame | undefined, wordSize: number): number {
  if (next === undefined) return STACK_WORDS;
  // Where the stack changes (a signal handler on a stack of its own) the difference is negative: as large as can be.
  if (next.sp < frame.sp) return STACK_WORDS;
  const words = Math.floor((next.sp - frame.sp) / wordSize);
  return Math.min(Math.max(words, 1), STACK_WORDS);
}

/** The segments in the order in which they are shown; none without a frame that has a stack. */
export function* stackSegments(frames: readonly Frame[], wordSize: number): Generator<StackSegment> {
  const first = frames.findIndex((frame) => frame.sp !== 0);
  if (first < 0) return;
  const last = frames.findLastIndex((frame) => frame.sp !== 0);
  yield { frame: -1, address: frames[first]!.sp - STACK_WORDS * wordSize, words: STACK_WORDS };
  for (let i = first; i <= last; i++) {
    const frame = frames[i]!;
    yield {
      frame: i,
      address: frame.sp,
      words: i === last ? STACK_WORDS : frameWords(frame, frames[i + 1], wordSize),
    };
  }
}
