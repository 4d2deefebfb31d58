/**
 * What a dump shows of a process besides threads and memory, and no backtrace: resource limits, control groups, open files, and the
 * environment where that is wanted. Read before the freeze of a live process, during a crashing one's way to its signal.
 */
import type { OpenFile } from '../minidump/handles-from-fds.js';
import { readProcFile } from '../platform/proc-file.js';
import type { CaptureJob } from '../protocol/job.js';
import type { Losses } from './failure.js';
import { readOpenFiles } from './open-files.js';

export interface Details {
  /** /proc/PID/limits. */
  readonly limits: Buffer;
  /** /proc/PID/cgroup. */
  readonly cgroup: Buffer;
  /** /proc/PID/environ; empty unless the job wants it. */
  readonly environ: Buffer;
  readonly openFiles: readonly OpenFile[];
}

const EMPTY = Buffer.alloc(0);
const TEXT_BYTES = 64 * 1024;

export const NO_DETAILS: Details = { limits: EMPTY, cgroup: EMPTY, environ: EMPTY, openFiles: [] };

/** `tid`: any live thread of the process. `memory`: whether what lies in the process's memory may be read. */
export function readDetails(job: CaptureJob, tid: number, memory: boolean, losses: Losses): Details {
  if (job.kind === 'backtrace') return NO_DETAILS;
  const read = (name: string): Buffer => {
    const file = readProcFile(`/proc/${tid}/${name}`, TEXT_BYTES);
    if (!file.ok) losses.add('proc', `/proc/${tid}/${name}: ${file.code}`);
    else if (file.truncated) losses.add('proc', `/proc/${tid}/${name}: only its first ${TEXT_BYTES} bytes`);
    return file.ok ? file.bytes : EMPTY;
  };
  return {
    limits: read('limits'),
    cgroup: read('cgroup'),
    environ: job.environ === true && memory ? read('environ') : EMPTY,
    openFiles: readOpenFiles(tid, losses),
  };
}
