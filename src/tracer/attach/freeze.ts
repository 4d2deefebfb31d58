/**
 * Stops every thread of a process. PTRACE_SEIZE and PTRACE_INTERRUPT leave no trace of a signal; threads that appear
 * meanwhile are looked for until the process has no more threads than are known.
 */
import { constants } from 'node:os';
import { readTaskStat } from '../../platform/proc-stat.js';
import { readProcStatus, readTaskStatus } from '../../platform/proc-status.js';
import { countTasks, readTaskIds } from '../../platform/proc-tasks.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { Deadline } from '../deadline.js';
import { CaptureError, codeOf, type Losses } from '../failure.js';

const { EPERM, ESRCH, ETIMEDOUT } = constants.errno;

/**
 * A thread that sleeps uninterruptibly (disk, a vfork child that has not executed yet) must not hold the others for
 * longer.
 */
const PATIENCE_MS = 250;
/** A process that makes threads faster than this many rounds find them is copied as far as it is known. */
const MAX_ROUNDS = 64;
const PTRACE_EVENT_STOP = 128;
/** States of /proc/PID/stat. */
const ENDED: ReadonlySet<string> = new Set(['Z', 'X', 'x']);

/** A thread that is attached and not stopped, or could not be attached. */
export interface Unstopped {
  readonly tid: number;
  readonly errno: number;
  /** It stays attached until it stops or this process ends. */
  readonly attached: boolean;
}

/** The threads of a frozen process, in the order of the freeze. */
export class Frozen {
  readonly pid: number;
  /** Stopped threads. */
  readonly tids: number[] = [];
  /**
   * What each of `tids` must be released with: a signal that the kernel had taken from its queue when the thread
   * stopped, else 0.
   */
  readonly signals: number[] = [];
  unstopped: readonly Unstopped[] = [];
  readonly #known = new Set<number>();
  #ended = 0;

  constructor(pid: number) {
    this.pid = pid;
  }

  knows(tid: number): boolean {
    return this.#known.has(tid);
  }

  /** Threads that were there, less those that had ended when they were to be stopped. */
  get alive(): number {
    return this.#known.size - this.#ended;
  }

  /** Counts a thread in that somebody else attached to. */
  addKnown(tid: number): void {
    this.#known.add(tid);
  }

  addStopped(tid: number, signal: number): void {
    this.#known.add(tid);
    this.tids.push(tid);
    this.signals.push(signal);
  }

  /** The thread that crashed: before all others. It is known already. */
  addCrashed(tid: number, signal: number): void {
    this.tids.unshift(tid);
    this.signals.unshift(signal);
  }

  addUnstopped(thread: Unstopped): void {
    this.#known.add(thread.tid);
    this.unstopped = [...this.unstopped, thread];
  }

  addEnded(tid: number): void {
    this.#known.add(tid);
    this.#ended++;
  }
}

/**
 * Stops all threads of `frozen.pid` that it does not know yet. `candidates` are those that were seen before; the list
 * is read again only if the process has more.
 */
export function freeze(addon: TracingAddon, frozen: Frozen, candidates: readonly number[], deadline: Deadline): void {
  let tids = candidates.filter((tid) => !frozen.knows(tid));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (tids.length > 0) stopAll(addon, frozen, tids, deadline);
    if (deadline.passed || countTasks(frozen.pid) <= frozen.alive) return;
    tids = readTaskIds(frozen.pid).filter((tid) => !frozen.knows(tid));
    if (tids.length === 0) return;
  }
}

function stopAll(addon: TracingAddon, frozen: Frozen, tids: readonly number[], deadline: Deadline): void {
  const results = new Int32Array(tids.length);
  addon.freeze(Int32Array.from(tids), deadline.remaining(PATIENCE_MS), results);
  tids.forEach((tid, i) => {
    const result = results[i]!;
    if (result >= 0) frozen.addStopped(tid, pendingSignal(result));
    else if (result === -ESRCH || (result === -EPERM && hasEnded(frozen.pid, tid))) frozen.addEnded(tid);
    else frozen.addUnstopped({ tid, errno: -result, attached: result === -ETIMEDOUT });
  });
}

/**
 * A thread on its way out cannot be attached to any more, and is nobody's loss; the main thread stays until all others
 * have ended.
 */
function hasEnded(pid: number, tid: number): boolean {
  return tid !== pid && ENDED.has(readTaskStat(pid, tid)?.state ?? 'X');
}

/** The signal that a stop took from the queue: none for an interrupt or group stop (an event), else the stop signal. */
export function pendingSignal(status: number): number {
  return status >> 16 === PTRACE_EVENT_STOP ? 0 : (status >> 8) & 0xff;
}

/** PTRACE_SEIZE of one thread. Throws CaptureError with the reason that an operator needs. */
export function seize(addon: TracingAddon, pid: number, tid: number): void {
  try {
    addon.seize(tid);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EPERM') throw new CaptureError(`thread ${tid}: ${whyNotAttached(pid, tid)}`);
    throw new CaptureError(code === 'ESRCH' ? `thread ${tid} is gone` : `thread ${tid}: cannot attach: ${code}`);
  }
}

/** Tells in a soft error for each thread that could not be stopped why. Reads /proc: after the release. */
export function reportUnstopped(pid: number, threads: readonly Unstopped[], losses: Losses): void {
  for (const thread of threads) losses.add('freeze', `thread ${thread.tid}: ${whyUnstopped(pid, thread)}`);
}

export function whyUnstopped(pid: number, thread: Unstopped): string {
  return thread.attached ? `did not stop within ${PATIENCE_MS} ms (uninterruptible)` : whyNotAttached(pid, thread.tid);
}

/** EPERM has several causes; the status of the thread tells which. */
function whyNotAttached(pid: number, tid: number): string {
  const state = readTaskStat(pid, tid)?.state ?? 'X';
  if (state === 'X') return 'has ended';
  if (state === 'Z') return 'has ended, other threads of its process have not';
  const tracer = readTaskStatus(pid, tid)?.tracerPid ?? 0;
  if (tracer !== 0) return `already traced by ${tracer} (${readProcStatus(tracer)?.name ?? 'gone'})`;
  return 'not permitted to attach';
}
