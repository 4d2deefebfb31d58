/** Gives back what jobs took. A process that waits in a system call has no idle time in which V8 would do so by itself. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Garbage that is left lying: collecting costs some milliseconds, and the next job may come during them. */
const GARBAGE_BYTES = 8 * 1024 * 1024;
/** For how long nothing has to come before it is time to collect: in a storm of crashes the jobs follow each other closely. */
export const QUIET_MS = 250;

let collect: (() => void) | null = null;
/** What was in use after the last collection. */
let kept = 0;

function inUse(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Gets hold of V8's collector and clears up; to be called before the process gives up its rights. */
export function prepareCollection(): void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('typeof gc === "function" ? gc : null');
  collect = typeof found === 'function' ? (found as () => void) : null;
  collect?.();
  kept = inUse();
}

/** Whether collecting is worth while. */
export function hasGarbage(): boolean {
  return collect !== null && inUse() >= kept + GARBAGE_BYTES;
}

/** To be called when there is nothing else to do. */
export function collectGarbage(): void {
  collect?.();
  kept = inUse();
}
