/**
 * Is the thread that was attached to still the one that was asked for? Between the request and the attach the process may have ended and
 * its id may have been given to another one; once attached, the id cannot be given away any more.
 */
import { parseProcStatus } from '../../platform/proc-status.js';
import type { CaptureJob } from '../../wire/job.js';

/**
 * Why `status`, the text of /proc/PID/task/TID/status read while the thread was attached, is not that of the job's target; null when it is.
 *
 * A crashing client's ids come from SO_PEERCRED, which has the effective ones; those of a target that somebody names come from the
 * first column of its status, the real ones.
 */
export function identityProblem(job: CaptureJob, statusText: string): string | null {
  const status = parseProcStatus(statusText);
  if (status === null) return `thread ${job.tid}: its status cannot be read`;
  if (status.pid !== job.tid || status.tgid !== job.pid) return `thread ${job.tid} is no thread of process ${job.pid}`;
  const column = job.kind === 'crash' ? 'effective' : 'real';
  const uid = status.uid[column];
  const gid = status.gid[column];
  if (uid !== job.uid || gid !== job.gid) {
    return `thread ${job.tid} has uid ${uid} gid ${gid}, expected uid ${job.uid} gid ${job.gid}: another process has its id now`;
  }
  return null;
}

/**
 * Why a user who may look at its own processes only may not look at this one; null when it may. `owner` is that of /proc/PID: the
 * effective user of a dumpable process, root for one that is not (proc(5)).
 */
export function ownerProblem(job: CaptureJob, statusText: string, owner: number): string | null {
  const status = parseProcStatus(statusText);
  if (status === null) return `thread ${job.tid}: its status cannot be read`;
  const { uid, gid } = status;
  const allAre = (ids: typeof uid, id: number): boolean => ids.real === id && ids.effective === id && ids.saved === id;
  if (!allAre(uid, job.uid) || !allAre(gid, job.gid)) return `process ${job.pid} runs with the rights of another user`;
  return owner === job.uid ? null : `process ${job.pid} is not dumpable`;
}
