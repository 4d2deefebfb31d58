/**
 * Is the thread that was attached to still the one that was asked for? Between the request and the attach the process
 * may have ended and its id may have been given to another one; once attached, the id cannot be given away any more.
 */
import { parseProcStatus } from '../../platform/proc-status.js';
import type { CaptureJob } from '../../wire/job.js';

/**
 * Why `status`, the text of /proc/PID/task/TID/status read while the thread was attached, is not that of the job's
 * target; null when it is.
 *
 * A crashing client's ids come from SO_PEERCRED, which has the effective ones; those of a target that somebody names
 * come from the first column of its status, the real ones.
 */
export function identityProblem(job: CaptureJob, statusText: string): string | null {
  const status = parseProcStatus(statusText);
  if (status === null) return `thread ${job.tid}: its status cannot be read`;
  if (status.pid !== job.tid || status.tgid !== job.pid) return `thread ${job.tid} is no thread of process ${job.pid}`;
  const column = job.kind === 'crash' ? 'effective' : 'real';
  const uid = status.uid[column];
  const gid = status.gid[column];
  if (uid !== job.uid || gid !== job.gid) {
    return (
      `thread ${job.tid} has uid ${uid} gid ${gid}, expected uid ${job.uid} gid ${job.gid}: ` +
      'another process has its id now'
    );
  }
  return null;
}
