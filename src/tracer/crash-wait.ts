/**
 * The wait for the signal that ends a crashing thread. Its handler has reported the crash and is blocked until it gets the ack byte;
 * then it restores the default action and lets the signal come again. The signal-delivery stop of that one holds the kernel's own
 * siginfo, and, where the handler has returned by then, the registers of the fault.
 */
import { constants } from 'node:os';
import type { Addon } from '../platform/addon.js';
import type { Deadline } from './deadline.js';
import { CaptureError, codeOf } from './failure.js';
import { pendingSignal } from './freeze.js';

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

/**
 * Waits until a fatal signal is about to be delivered to the attached, running thread; returns it. Other signals are passed on. A stop
 * by job control (SIGSTOP, SIGTSTP, ...) does not hold the thread up: it is on its way to its death, and the process is stopped no less
 * when it is released. Throws CaptureError when the thread ends otherwise or the time is up.
 */
export function awaitFatalSignal(addon: Addon, tid: number, deadline: Deadline): number {
  for (;;) {
    const status = waitFor(addon, tid, deadline.remaining());
    if (status === null) throw new CaptureError(`thread ${tid}: no fatal signal came in time`);
    if (status.kind === 'exited') throw new CaptureError(`thread ${tid} exited before its signal came`);
    if (status.kind === 'signaled') throw new CaptureError(`thread ${tid} was killed by signal ${status.signal}`);
    const signal = pendingSignal(status.status);
    if (status.event === 0 && FATAL_SIGNALS.has(signal)) return signal;
    addon.cont(tid, signal);
  }
}

function waitFor(addon: Addon, tid: number, timeoutMs: number): ReturnType<Addon['wait']> {
  try {
    return addon.wait(tid, timeoutMs);
  } catch (error) {
    throw new CaptureError(`thread ${tid}: ${codeOf(error)} while its signal was awaited`);
  }
}
