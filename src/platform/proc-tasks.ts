/** How many threads a process has. */
import { statSync } from 'node:fs';

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
