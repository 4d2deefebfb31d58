/**
 * Lets a frozen process go as if nothing had been: each thread with the signal that its stop had taken from the queue, a thread in a job
 * control stop into that stop again (the kernel sees to it). A crashed thread gets its own signal, so that the process ends by it.
 */
import { constants } from 'node:os';
import type { TracingAddon } from '../platform/ptrace.js';
import { Deadline } from './deadline.js';
import { codeOf } from './failure.js';
import type { Frozen } from './freeze.js';
import { pendingSignal } from './freeze.js';

const { ESRCH } = constants.errno;
/** How long threads may take to stop or to die before they are left to the end of this process; whatever the job's deadline is. */
const PATIENCE_MS = 1000;

/**
 * How an attached thread was left. 'gone': the kernel knows it no more by this id, and its end was not seen; that of a thread which
 * executes a program while the main thread is none of ours becomes the main thread's.
 */
type End = 'seen' | 'gone' | 'attached';

/**
 * Detaches all stopped threads; those of the list that came first, first. `running`: a thread that is attached and not stopped, if any.
 * Returns false when threads stay attached: only the end of this process frees them then.
 */
export function release(addon: TracingAddon, frozen: Frozen, running = -1): boolean {
  const deadline = new Deadline(PATIENCE_MS);
  const { tids, signals } = frozen;
  const results = new Int32Array(tids.length);
  if (running > 0) askToStop(addon, running);
  if (tids.length > 0) addon.detachAll(Int32Array.from(tids), Int32Array.from(signals), results);
  // A thread that is being killed is not stopped any more: it stays a zombie until its tracer has seen it end. The main thread's
  // end is reported after that of all others.
  const waited = tids.filter((_, i) => results[i] === -ESRCH);
  if (running > 0) waited.push(running);
  waited.sort((a, b) => Number(a === frozen.pid) - Number(b === frozen.pid));
  const ends = waited.map((tid) => seeEnd(addon, tid, deadline.remaining()));
  for (const thread of frozen.unstopped) if (thread.attached) ends.push(seeEnd(addon, thread.tid, 0));
  tids.length = 0;
  signals.length = 0;
  frozen.unstopped = [];
  return !ends.includes('attached') && !(ends.includes('gone') && addon.hasTracees());
}

function askToStop(addon: TracingAddon, tid: number): void {
  try {
    addon.interrupt(tid);
  } catch {
    // It is dying, or gone: the wait tells.
  }
}

/** Waits for a thread that is attached and not stopped: for its end, or for a stop to detach it from. */
function seeEnd(addon: TracingAddon, tid: number, timeoutMs: number): End {
  try {
    const status = addon.wait(tid, timeoutMs);
    if (status === null) return 'attached';
    if (status.kind === 'stopped') addon.detach(tid, pendingSignal(status.status));
    return 'seen';
  } catch (error) {
    return codeOf(error) === 'ESRCH' || codeOf(error) === 'ECHILD' ? 'gone' : 'attached';
  }
}
