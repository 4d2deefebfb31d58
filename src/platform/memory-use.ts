/**
 * Gives back what jobs took. Resident processes wait in system calls for days, and neither V8 nor the C library clears
 * up by itself without being used: what the last job left lying would stay.
 */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadAddon } from './addon.js';

/** Garbage that is left lying: collecting costs some milliseconds, and the next job may come during them. */
const GARBAGE_BYTES = 1024 * 1024;
/** Worth a whole collection. */
const OLD_GARBAGE_BYTES = 2 * 1024 * 1024;
/**
 * For how long nothing has to come before it is time to clear up: in a storm of crashes the jobs follow each other
 * closely.
 */
export const QUIET_MS = 1000;

/** A job leaves so much in the young generation that a collection in the middle of one of the next few would be due. */
const YOUNG_BYTES = 192 * 1024;

let collect: ((options?: { type: 'minor' }) => void) | null = null;
/** What was in use after the last time. */
let kept = 0;

function inUse(): number {
  const { used_heap_size: heap, external_memory: external, malloced_memory: compiler } = getHeapStatistics();
  return heap + external + compiler;
}

/** Gets hold of V8's collector and clears up; to be called before the process gives up its rights. */
export function prepareCollection(): void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('typeof gc === "function" ? gc : null');
  collect = typeof found === 'function' ? (found as typeof collect) : null;
  collectAll();
}

/** Whether clearing up is worth while. */
export function hasGarbage(): boolean {
  return collect !== null && inUse() >= kept + GARBAGE_BYTES;
}

/**
 * Empties the young generation, half a millisecond that would otherwise pass in the middle of some later job, while a
 * process waits for it. To be called after a job, when no other one waits.
 */
export function collectYoung(): void {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  if (young !== undefined && young.space_used_size >= YOUNG_BYTES) collect?.({ type: 'minor' });
}

/**
 * To be called when there is nothing else to do. The young generation is enough as a rule: a whole collection takes
 * with it what compiled code is made for (shapes of objects of which none lives just now), and the code with that.
 */
export function collectGarbage(): void {
  collect?.({ type: 'minor' });
  if (inUse() >= kept + OLD_GARBAGE_BYTES) collectAll();
  else loadAddon().trimHeap();
}

/** Everything, and compacted: long, and what was compiled may have to be compiled again. */
export function collectAll(): void {
  // V8's own collections compact where it pays at once; this one is for the time until the next job.
  setFlagsFromString('--compact-on-every-full-gc');
  collect?.();
  setFlagsFromString('--no-compact-on-every-full-gc');
  loadAddon().trimHeap();
  kept = inUse();
}
