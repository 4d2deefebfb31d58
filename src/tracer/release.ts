/**
 * Lets a frozen process go as if nothing had been: each thread with the signal that its stop had taken from the queue, a thread in a job
 * control stop into that stop again (the kernel sees to it). A crashed thread gets its own signal, so that the process ends by it.
 */
import { constants } from 'node:os';
import type { Addon } from '../platform/addon.js';
import { Deadline } from './deadline.js';
import { codeOf } from './failure.js';
import type { Frozen } from './freeze.js';
import { pendingSignal } from './freeze.js';

const { ESRCH } = constants.errno;
/** How long threads may take to stop or to die before they are left to the end of this process; whatever the job's deadline is. */
const PATIENCE_MS = 1000;

/**
 * Detaches all stopped threads; those of the list that came first, first. Returns false when threads stay attached: only the end of
 * this process frees them then.
 */
export function release(addon: Addon, frozen: Frozen): boolean {
  const deadline = new Deadline(PATIENCE_MS);
  const { tids, signals } = frozen;
  const results = new Int32Array(tids.length);
  if (tids.length > 0) addon.detachAll(Int32Array.from(tids), Int32Array.from(signals), results);
  let free = true;
  // A thread that is being killed is not stopped any more: it stays a zombie until its tracer has seen it end. The main thread's
  // end is reported after that of all others.
  const dying = tids
    .filter((_, i) => results[i] === -ESRCH)
    .sort((a, b) => Number(a === frozen.pid) - Number(b === frozen.pid));
  for (const tid of dying) free = seeEnd(addon, tid, deadline.remaining()) && free;
  for (const thread of frozen.unstopped) if (thread.attached) free = seeEnd(addon, thread.tid, 0) && free;
  tids.length = 0;
  signals.length = 0;
  frozen.unstopped = [];
  return free;
}

/** Detaches an attached thread that runs: stops it first. Returns false when it does not stop in time. */
export function stopAndDetach(addon: Addon, tid: number): boolean {
  try {
    addon.interrupt(tid);
  } catch (error) {
    return isGone(error);
  }
  return seeEnd(addon, tid, PATIENCE_MS);
}

/** Waits for a thread that is attached and not stopped: for its end, or for a stop to detach it from. Returns false when neither comes in time. */
function seeEnd(addon: Addon, tid: number, timeoutMs: number): boolean {
  try {
    const status = addon.wait(tid, timeoutMs);
    if (status === null) return false;
    if (status.kind === 'stopped') addon.detach(tid, pendingSignal(status.status));
    return true;
  } catch (error) {
    return isGone(error);
  }
}

function isGone(error: unknown): boolean {
  return codeOf(error) === 'ESRCH' || codeOf(error) === 'ECHILD';
}
