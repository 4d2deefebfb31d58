/**
 * What a dump shows of a process besides threads and memory, and no backtrace: resource limits, control groups, open files. Nothing of it
 * lies in the process's memory. Read before the freeze of a live process, during a crashing one's way to its signal.
 */
import type { OpenFile } from '../minidump/handles-from-fds.js';
import type { Losses } from './failure.js';
import { readOpenFiles } from './open-files.js';
import { readTexts } from './proc-texts.js';

export interface Details {
  /** /proc/PID/limits. */
  readonly limits: Buffer;
  /** /proc/PID/cgroup. */
  readonly cgroup: Buffer;
  readonly openFiles: readonly OpenFile[];
}

export const NO_DETAILS: Details = { limits: Buffer.alloc(0), cgroup: Buffer.alloc(0), openFiles: [] };

/** `tid`: any live thread of the process. */
export function readDetails(tid: number, losses: Losses): Details {
  return { ...readTexts(tid, ['limits', 'cgroup'], losses), openFiles: readOpenFiles(tid, losses) };
}
