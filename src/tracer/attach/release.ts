/**
 * Lets a frozen process go as if nothing had been: each thread with the signal that its stop had taken from the queue,
 * a thread in a job control stop into that stop again (the kernel sees to it). A crashed thread gets its own signal, so
 * that the process ends by it.
 */
import { constants } from 'node:os';
import type { TracingAddon } from '../../platform/ptrace.js';
import { Deadline } from '../deadline.js';
import { codeOf } from '../failure.js';
import type { Frozen } from './freeze.js';
import { pendingSignal } from './freeze.js';

const { ECHILD, ESRCH } = constants.errno;
/**
 * How long threads may take to stop or to die before they are left to the end of this process; whatever the job's
 * deadline is.
 */
const PATIENCE_MS = 1000;

/**
 * How an attached thread was left. 'gone': the kernel knows it no more by this id, and its end was not seen; that of a
 * thread which executes a program while the main thread is none of ours becomes the main thread's.
 */
type End = 'seen' | 'gone' | 'attached';

/**
 * Detaches all stopped threads; those of the list that came first, first. `running`: a thread that is attached and not
 * stopped, if any. Returns false when threads stay attached: only the end of this process frees them then.
 */
export function release(addon: TracingAddon, frozen: Frozen, running = -1): boolean {
  const deadline = new Deadline(PATIENCE_MS);
  const { tids, signals } = frozen;
  const results = new Int32Array(tids.length);
  if (running > 0) askToStop(addon, running);
  if (tids.length > 0) addon.detachAll(Int32Array.from(tids), Int32Array.from(signals), results);
  // A thread that is being killed is not stopped any more: it stays a zombie until its tracer has seen it end. The main
  // thread's end is reported after that of all others.
  const waited = tids.filter((_, i) => results[i] === -ESRCH);
  if (running > 0) waited.push(running);
  waited.sort((a, b) => Number(a === frozen.pid) - Number(b === frozen.pid));
  const ends = seeEnds(addon, waited, deadline.remaining());
  for (const thread of frozen.unstopped) if (thread.attached) ends.push(...seeEnds(addon, [thread.tid], 0));
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

/** Waits for threads that are attached and not stopped: for the end of each, or for a stop to detach it from. */
function seeEnds(addon: TracingAddon, tids: readonly number[], timeoutMs: number): End[] {
  const results = new Int32Array(tids.length);
  if (tids.length > 0) addon.waitAll(Int32Array.from(tids), timeoutMs, results);
  return tids.map((tid, i) => {
    const result = results[i]!;
    if (result < 0) return result === -ESRCH || result === -ECHILD ? 'gone' : 'attached';
    return isStop(result) ? detachStopped(addon, tid, result) : 'seen';
  });
}

/** sys/wait.h: WIFSTOPPED. */
function isStop(status: number): boolean {
  return (status & 0xff) === 0x7f;
}

function detachStopped(addon: TracingAddon, tid: number, status: number): End {
  try {
    addon.detach(tid, pendingSignal(status));
    return 'seen';
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? 'gone' : 'attached';
  }
}
