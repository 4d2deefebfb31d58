/** The threads of a process, by /proc/PID/task. Nothing here throws. */
import { loadAddon } from './addon.js';

/** comm is 15 bytes and a newline; that of the kernel's own threads may be longer, and nobody asks for it. */
const NAME_BYTES = 64;

let ids = new Int32Array(1024);
const name = Buffer.alloc(NAME_BYTES);

/** Thread ids in ascending order; empty when the process is gone. */
export function readTaskIds(pid: number): number[] {
  for (;;) {
    const count = loadAddon().listNumbers(`/proc/${pid}/task`, ids);
    if (count <= ids.length) return Array.from(ids.subarray(0, Math.max(0, count)).sort());
    ids = new Int32Array(2 * count);
  }
}

/**
 * The number of threads, a main thread that has ended included: the link count of /proc/PID/task is that plus 2
 * (fs/proc/base.c, proc_task_getattr). One system call, whatever their number. -1 when the process is gone.
 */
export function countTasks(pid: number): number {
  const links = loadAddon().countLinks(`/proc/${pid}/task`);
  return links < 0 ? -1 : links - 2;
}

/**
 * comm of a thread, at most 15 bytes (UTF-8 as a rule, and whatever the thread has put there); null when it is gone.
 */
export function readTaskName(pid: number, tid: number): string | null {
  return textOf(name, 0, loadAddon().readFile(`/proc/${pid}/task/${tid}/comm`, name, 0, true));
}

/** The names of many threads, as they were when this was made. */
export class TaskNames {
  readonly #tids: Int32Array;
  readonly #bytes: Buffer;
  readonly #sizes: Int32Array;

  constructor(pid: number, tids: readonly number[]) {
    this.#tids = Int32Array.from(tids);
    this.#sizes = new Int32Array(tids.length);
    this.#bytes = Buffer.allocUnsafe(tids.length * NAME_BYTES);
    loadAddon().readTaskFiles(pid, this.#tids, 'comm', this.#bytes, NAME_BYTES, this.#sizes);
  }

  /** By thread id; null for those that were gone. */
  toMap(): Map<number, string | null> {
    const names = new Map<number, string | null>();
    this.#tids.forEach((tid, i) => {
      names.set(tid, textOf(this.#bytes, i * NAME_BYTES, this.#sizes[i]!));
    });
    return names;
  }
}

/** The kernel ends a name with a newline. */
function textOf(bytes: Buffer, at: number, size: number): string | null {
  return size < 1 ? null : bytes.toString('utf8', at, at + size - 1);
}
