/** Two walks of one thread, frame by frame: what both have in the same order agrees, the rest are disagreements. */
import type { OtherThread } from './other-debuggers.js';
import type { Place } from './relative-pc.js';

/** One frame in the terms of both sides. */
export interface ComparedFrame extends Place {
  readonly fn: string;
}

/** A run of frames of which one side or both have others, between frames that agree. */
export interface Disagreement {
  readonly tool: 'gdb' | 'eu-stack';
  readonly tid: number;
  /** The frame on which both agree just before it; null at the innermost one. */
  readonly before: ComparedFrame | null;
  readonly ours: readonly ComparedFrame[];
  readonly theirs: readonly ComparedFrame[];
  /** Nothing agrees after it. */
  readonly last: boolean;
  /** Why their walk ended; '' when they do not say. */
  readonly end: string;
}

export interface Comparison {
  readonly agreeing: number;
  /** Frames that agree, and those of the longer side of each disagreement. */
  readonly frames: number;
  readonly disagreements: readonly Disagreement[];
}

/** A return address is printed as the call before it by some tools: these bytes at most are between both. */
const CALL_LENGTH = 1;

function same(a: ComparedFrame, b: ComparedFrame): boolean {
  return (
    Math.abs(a.relPc - b.relPc) <= CALL_LENGTH && (a.file ?? '').split('/').at(-1) === (b.file ?? '').split('/').at(-1)
  );
}

/** Longest common subsequence; at most 256 frames on each side. */
function aligned(ours: readonly ComparedFrame[], theirs: readonly ComparedFrame[]): [number, number][] {
  const lengths = Array.from({ length: ours.length + 1 }, () => new Uint16Array(theirs.length + 1));
  for (let i = ours.length - 1; i >= 0; i--) {
    for (let j = theirs.length - 1; j >= 0; j--) {
      const both = same(ours[i]!, theirs[j]!);
      lengths[i]![j] = both ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < ours.length && j < theirs.length; ) {
    if (same(ours[i]!, theirs[j]!)) pairs.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return pairs;
}

export function compare(
  tool: Disagreement['tool'],
  tid: number,
  ours: readonly ComparedFrame[],
  theirs: readonly ComparedFrame[],
  { end }: OtherThread,
): Comparison {
  const pairs = aligned(ours, theirs);
  const disagreements: Disagreement[] = [];
  let frames = pairs.length;
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...pairs, [ours.length, theirs.length] as const]) {
    if (nextI > i || nextJ > j) {
      const last = nextI === ours.length && nextJ === theirs.length;
      const gap = { ours: ours.slice(i, nextI), theirs: theirs.slice(j, nextJ) };
      disagreements.push({ tool, tid, before: ours[i - 1] ?? null, ...gap, last, end });
      frames += Math.max(gap.ours.length, gap.theirs.length);
    }
    [i, j] = [nextI + 1, nextJ + 1];
  }
  return { agreeing: pairs.length, frames, disagreements };
}
