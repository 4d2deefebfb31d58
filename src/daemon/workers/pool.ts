/**
 * The tracers: forked ahead, one request each at a time, more of them under load, fewer when idle. A tracer that passes
 * its deadline or says something wrong is killed (the kernel then detaches its target) and replaced. The kernel may
 * wait in its name for a file system that does not answer, killed or not: such a process is stuck. It takes nobody's
 * place, but who has caused two of them has no tracer until one is gone; and from sixteen on, all users but root have
 * one tracer together.
 */
import { loadAddon } from '../../platform/addon.js';
import type { CaptureJob } from '../../wire/job.js';
import { FairQueue } from '../scheduling/fair-queue.js';
import { nicenessFor } from '../scheduling/niceness.js';
import { CaptureRun, type PendingCapture } from './capture-run.js';
import { RestartDelay } from './restart-delay.js';
import { TracerSlot } from './tracer-slot.js';
import type { StartWorker } from './worker.js';

export interface PoolOptions {
  readonly start: StartWorker;
  readonly min: number;
  readonly max: number;
  /** From the hand-over of a request to its Released, ms. */
  readonly deadlineMs: number;
  /** How long a request may wait for a tracer, ms. Default three deadlines. */
  readonly queueMs?: number;
  /** Requests that may wait. Default 1024. */
  readonly queueLength?: number;
  /** How long requests may wait while no tracer becomes free before another is started, ms. Default 250. */
  readonly stallMs?: number;
  /** How long a tracer beyond `min` may be idle, ms. Default 30 s. */
  readonly idleMs?: number;
  /** Mapped files that are kept of a request. */
  readonly maxFiles?: number;
  /** Whether a request of this user may be given to a tracer now; `wake` when that changes. */
  readonly mayStart?: (uid: number) => boolean;
  /** A tracer ended that should not have, or could not be started. */
  readonly trouble: (message: string) => void;
  /** A new tracer has said that it is ready. */
  readonly becameReady?: () => void;
}

export interface CaptureOrder {
  readonly job: CaptureJob;
  /** Duplicated where it is still needed after the call: the caller may close it at any time. */
  readonly clientFd: number;
  /** Who asks. */
  readonly uid: number;
  /** Asked when a tracer is free: whether somebody still waits for the answer. */
  readonly wanted: () => boolean;
  /** From the hand-over to its Released, ms; default the pool's. */
  readonly deadlineMs?: number;
}

const STALL_MS = 250;
/**
 * A user whose request costs a tracer (a target that cannot be let go otherwise, one that does not answer) has none for
 * this long: the start of another takes a hundred times what the request did.
 */
const REST_MS = 1000;

/** Stuck tracers that a user may cause, and all but root together before they have to share a single one. */
const STUCK_OF_ONE = 2;
const STUCK_OF_ALL = 16;

interface WaitingRun {
  readonly uid: number;
  readonly run: CaptureRun;
  readonly clientFd: number;
  readonly wanted: () => boolean;
  readonly deadlineMs: number;
}

export class TracerPool {
  readonly #options: PoolOptions;
  readonly #slots = new Set<TracerSlot>();
  readonly #delay = new RestartDelay();
  /** The user whom a tracer serves, or served when it was killed. */
  readonly #served = new Map<TracerSlot, number>();
  /** Of those that were killed, or end by themselves, and whose processes are still there: by user. */
  readonly #stuck = new Map<number, number>();
  /** Users that rest, and the timers that end it. */
  readonly #resting = new Map<number, NodeJS.Timeout>();
  readonly #queue: FairQueue<WaitingRun>;
  #restart: NodeJS.Timeout | undefined;
  #stall: NodeJS.Timeout | undefined;
  #open = true;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.max);
    this.#fill();
  }

  /** Tracers whose processes are there, and those of them that could take a request now. */
  get size(): number {
    return this.#slots.size;
  }

  get idle(): number {
    return [...this.#slots].filter((slot) => slot.state === 'idle').length;
  }

  /** Pids of the tracers that are there. */
  get pids(): number[] {
    return [...this.#slots].map((slot) => slot.pid);
  }

  /** Hands a request to a tracer, or queues it. */
  capture({ job, clientFd, uid, wanted, deadlineMs = this.#options.deadlineMs }: CaptureOrder): PendingCapture {
    const run = new CaptureRun(job, this.#options.maxFiles);
    if (!this.#open) run.fail('the daemon is shutting down');
    else if (this.#queue.length >= (this.#options.queueLength ?? 1024)) run.fail('too many requests wait for a tracer');
    else {
      const next = { uid, run, clientFd, wanted, deadlineMs };
      const first = this.#queue.length === 0 && this.#queue.hasPlace(uid) && this.#mayBegin(uid);
      const slot = first ? this.#idleSlot() : undefined;
      // As a rule, and the target waits for it.
      if (slot !== undefined) this.#begin(slot, next);
      else this.#enqueue({ ...next, clientFd: loadAddon().dupFd(clientFd) });
    }
    return run;
  }

  /** Looks again whether a request that waits may start. */
  wake(): void {
    if (this.#queue.length > 0) this.#dispatch();
  }

  /** Kills all tracers; requests under way fail. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#restart);
    clearTimeout(this.#stall);
    for (const timer of this.#resting.values()) clearTimeout(timer);
    for (const { run, clientFd } of this.#queue.clear()) {
      loadAddon().closeFd(clientFd);
      run.fail('the daemon is shutting down');
    }
    for (const slot of [...this.#slots]) slot.kill('the daemon is shutting down');
  }

  #enqueue(waiting: WaitingRun): void {
    this.#queue.push(waiting);
    waiting.run.startTimer(this.#options.queueMs ?? 3 * this.#options.deadlineMs, 'no tracer became free in time');
    waiting.run.onSettled(() => {
      if (this.#queue.remove(waiting)) loadAddon().closeFd(waiting.clientFd);
    });
    this.#dispatch();
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      if (slot.state !== 'idle') continue;
      const next = this.#takeNext();
      if (next === null) break;
      this.#begin(slot, next);
      loadAddon().closeFd(next.clientFd);
      // The queue moves: whoever waits still may not wait for a new process.
      clearTimeout(this.#stall);
      this.#stall = undefined;
    }
    this.#watchQueue();
  }

  #takeNext(): WaitingRun | null {
    for (;;) {
      const next = this.#next();
      if (next === null) return null;
      this.#queue.remove(next);
      if (next.wanted()) return next;
      loadAddon().closeFd(next.clientFd);
      next.run.fail('the client left before a tracer was free');
    }
  }

  #begin(slot: TracerSlot, { uid, run, clientFd, deadlineMs }: WaitingRun): void {
    this.#queue.begin(uid);
    this.#served.set(slot, uid);
    const start = performance.now();
    const niceness = nicenessFor(uid, this.#queue.spent(uid));
    slot.begin(run, { clientFd, deadlineMs, niceness }, (lost) => {
      this.#queue.spend(uid, performance.now() - start);
      if (lost && uid !== 0 && this.#open) this.#rest(uid);
      this.#served.delete(slot);
      if (slot.state === 'ended') count(this.#stuck, uid, -1);
      else this.#queue.end(uid);
    });
  }

  #rest(uid: number): void {
    clearTimeout(this.#resting.get(uid));
    const timer = setTimeout(() => {
      this.#resting.delete(uid);
      this.#dispatch();
    }, REST_MS);
    this.#resting.set(uid, timer);
  }

  /**
   * One more tracer where requests wait and none becomes free. Not at once: a storm of crashes is over before a new
   * process is ready, and would pay for its start; captures that take long (a target that is held, one that does not
   * stop) need others beside them.
   */
  #watchQueue(): void {
    if (this.#stall !== undefined || !this.#wantsMore()) return;
    this.#stall = setTimeout(() => {
      this.#stall = undefined;
      if (!this.#wantsMore()) return;
      this.#start();
      this.#watchQueue();
    }, this.#options.stallMs ?? STALL_MS);
  }

  #wantsMore(): boolean {
    if (!this.#open || this.#alive >= this.#options.max) return false;
    if ([...this.#slots].some((slot) => slot.state === 'starting')) return false;
    return this.#next() !== null;
  }

  #idleSlot(): TracerSlot | undefined {
    for (const slot of this.#slots) if (slot.state === 'idle') return slot;
    return undefined;
  }

  #next(): WaitingRun | null {
    return this.#queue.next((uid) => this.#mayBegin(uid));
  }

  #mayBegin(uid: number): boolean {
    return !this.#resting.has(uid) && this.#mayRisk(uid) && (this.#options.mayStart?.(uid) ?? true);
  }

  /** Whether another tracer may get stuck for this user. */
  #mayRisk(uid: number): boolean {
    if (uid === 0) return true;
    if ((this.#stuck.get(uid) ?? 0) >= STUCK_OF_ONE) return false;
    const stuck = [...this.#stuck].reduce((sum, [user, tracers]) => sum + (user === 0 ? 0 : tracers), 0);
    return stuck < STUCK_OF_ALL || this.#queue.runningOfUsers === 0;
  }

  #fill(): void {
    const { min } = this.#options;
    while (this.#open && this.#restart === undefined && this.#alive < min) this.#start();
  }

  /** Those that were not killed. */
  get #alive(): number {
    let count = 0;
    for (const slot of this.#slots) if (slot.state !== 'ended') count++;
    return count;
  }

  #start(): void {
    if (!this.#open || this.#restart !== undefined) return;
    try {
      const slot: TracerSlot = new TracerSlot(this.#options.start, this.#options.idleMs ?? 30_000, {
        ready: () => {
          this.#delay.succeeded();
          this.#dispatch();
          this.#options.becameReady?.();
        },
        free: () => this.#dispatch(),
        idle: () => this.#alive > this.#options.min && slot.kill('idle'),
        ended: (reason, expected) => this.#ended(slot, reason, expected),
        exited: () => this.#exited(slot),
      });
      this.#slots.add(slot);
    } catch (error) {
      this.#options.trouble(`cannot start a tracer: ${(error as Error).message}`);
      this.#startLater();
    }
  }

  #ended(slot: TracerSlot, reason: string, expected: boolean): void {
    const uid = this.#served.get(slot);
    if (uid !== undefined) {
      this.#queue.end(uid);
      count(this.#stuck, uid, 1);
    }
    if (!this.#open) return;
    if (!expected) this.#options.trouble(`tracer ${slot.pid} ended: ${reason}`);
    if (expected || slot.wasReady) {
      this.#fill();
      this.#dispatch();
    } else {
      this.#startLater();
    }
  }

  #exited(slot: TracerSlot): void {
    this.#slots.delete(slot);
    this.#fill();
    this.#dispatch();
  }

  /** A tracer that cannot even start is not tried again at once. */
  #startLater(): void {
    if (this.#restart !== undefined || !this.#open) return;
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.#fill();
      this.#dispatch();
    }, this.#delay.next());
  }
}

function count(users: Map<number, number>, uid: number, change: number): void {
  const sum = (users.get(uid) ?? 0) + change;
  if (sum > 0) users.set(uid, sum);
  else users.delete(uid);
}
