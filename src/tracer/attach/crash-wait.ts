/**
 * The wait for the signal that ends a crashing thread. Its handler has reported the crash and is blocked until it gets
 * the ack byte; then it restores the default action and lets the signal come again. The signal-delivery stop of that
 * one holds the kernel's own siginfo, and, where the handler has returned by then, the registers of the fault.
 */
import { constants } from 'node:os';
import type { TracingAddon } from '../../platform/ptrace.js';
import { Deadline } from '../deadline.js';
import { CaptureError, codeOf } from '../failure.js';
import { type Frozen, pendingSignal } from './freeze.js';

const { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTKFLT, SIGSYS, SIGTRAP } = constants.signals;

/** Signals whose default action is what ends a crash. */
export const FATAL_SIGNALS: ReadonlySet<number> = new Set([
  SIGABRT,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGSEGV,
  SIGSTKFLT,
  SIGSYS,
  SIGTRAP,
]);

/** How long the thread alone is waited for before its siblings are looked at, ms. */
const SLICE_MS = 50;

/**
 * A handler that has its ack lets the signal come at once. One that does not keeps this process from serving others,
 * and everybody may run such a program.
 */
export const SIGNAL_PATIENCE_MS = 2000;

/**
 * Waits until a fatal signal is about to be delivered to the attached, running thread; returns it. Other signals are
 * passed on. A stop by job control (SIGSTOP, SIGTSTP, ...) does not hold the thread up: it is on its way to its death,
 * and the process is stopped no less when it is released. Throws CaptureError when the thread ends otherwise or the
 * time is up. `frozen`: its siblings.
 */
export function awaitFatalSignal(addon: TracingAddon, tid: number, frozen: Frozen, deadline: Deadline): number {
  const patience = new Deadline(deadline.remaining(SIGNAL_PATIENCE_MS));
  for (;;) {
    const status = waitFor(addon, tid, frozen, patience);
    if (status === null) throw new CaptureError(`thread ${tid}: no fatal signal came in time`);
    if (status.kind === 'exited') throw new CaptureError(`thread ${tid} exited before its signal came`);
    if (status.kind === 'signaled') throw new CaptureError(`thread ${tid} was killed by signal ${status.signal}`);
    const signal = pendingSignal(status.status);
    if (status.event === 0 && FATAL_SIGNALS.has(signal)) return signal;
    addon.cont(tid, signal);
  }
}

/**
 * The thread's next change, null when the time is up. The end of a main thread is reported after that of all others,
 * and those are ours to take: a process that was killed would hang half dead until the time is up. Threads that stand
 * still end for no other reason.
 */
function waitFor(
  addon: TracingAddon,
  tid: number,
  frozen: Frozen,
  deadline: Deadline,
): ReturnType<TracingAddon['wait']> {
  try {
    for (;;) {
      const status = addon.wait(tid, deadline.remaining(SLICE_MS));
      if (status !== null || deadline.passed) return status;
      const sibling = frozen.tids[0];
      if (sibling === undefined) continue;
      const other = addon.wait(sibling, 0);
      if (other !== null && other.kind !== 'stopped') break;
    }
  } catch (error) {
    throw new CaptureError(`thread ${tid}: ${codeOf(error)} while its signal was awaited`);
  }
  throw new CaptureError(`process ${frozen.pid} was killed, or executes another program`);
}
