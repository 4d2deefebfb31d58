/** Gives back what a large dump took. A process that waits in a system call has no idle time in which V8 would do so. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Heap and buffers beyond what warm caches take. */
const MANY_BYTES = 48 * 1024 * 1024;

let collect: (() => void) | null = null;

/** Gets hold of V8's collector; to be called before the process gives up its rights. */
export function prepareCollection(): void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('typeof gc === "function" ? gc : null');
  collect = typeof found === 'function' ? (found as () => void) : null;
}

/** Collects when there is much to collect: a few milliseconds then, next to nothing otherwise. */
export function collectGarbage(): void {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  if (heap + external > MANY_BYTES) collect?.();
}
