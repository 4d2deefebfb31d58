/** The threads of a process, by /proc/PID/task. Nothing here throws. */
import { readdirSync, statSync } from 'node:fs';
import { loadAddon } from './addon.js';

const name = Buffer.alloc(256);

/** Thread ids in ascending order; empty when the process is gone. */
export function readTaskIds(pid: number): number[] {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const tids: number[] = [];
  for (const name of names) {
    const tid = Number(name);
    if (Number.isInteger(tid) && tid > 0) tids.push(tid);
  }
  return tids.sort((a, b) => a - b);
}

/**
 * The number of threads, a main thread that has ended included: the link count of /proc/PID/task is that plus 2
 * (fs/proc/base.c, proc_task_getattr). One system call, whatever their number. -1 when the process is gone.
 */
export function countTasks(pid: number): number {
  try {
    return statSync(`/proc/${pid}/task`).nlink - 2;
  } catch {
    return -1;
  }
}

/** comm of a thread, at most 15 bytes (UTF-8 as a rule, and whatever the thread has put there); null when it is gone. */
export function readTaskName(pid: number, tid: number): string | null {
  // The kernel ends it with a newline.
  const length = loadAddon().readFile(`/proc/${pid}/task/${tid}/comm`, name, 0, true) - 1;
  return length < 0 ? null : name.toString('utf8', 0, length);
}
