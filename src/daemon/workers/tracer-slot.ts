/** One tracer process and what it is doing. */
import { decodeTracerMessage, encodeMessage } from '../../wire/job-decode.js';
import { type CaptureRun, closeAll } from './capture-run.js';
import type { StartWorker, Worker } from './worker.js';

export type SlotState = 'starting' | 'idle' | 'busy' | 'ended';

export interface SlotEvents {
  /** It said hello. */
  ready(): void;
  /** A request is over; the next may come. */
  free(): void;
  /** It has had nothing to do for a while. */
  idle(): void;
  /** `expected`: it was idle, or the daemon shuts down. */
  ended(reason: string, expected: boolean): void;
  /** After `ended`: its process is gone, and the place that it took is free. */
  exited(): void;
}

/** A tracer that has not said hello by then is not going to, ms. */
const START_DEADLINE_MS = 60_000;

export class TracerSlot {
  readonly #worker: Worker;
  readonly #events: SlotEvents;
  readonly #idleMs: number;
  #state: SlotState = 'starting';
  #run: CaptureRun | null = null;
  #finished: ((lost: boolean) => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  #expectedEnd = false;
  wasReady = false;

  /** Throws when the process cannot be started. */
  constructor(start: StartWorker, idleMs: number, events: SlotEvents) {
    this.#events = events;
    this.#idleMs = idleMs;
    this.#worker = start({
      message: (bytes, fds, incomplete) => this.#message(bytes, fds, incomplete),
      ended: (reason) => this.#ended(reason),
      exited: () => this.#exited(),
    });
    this.#timer = setTimeout(() => this.#worker.kill('it did not say that it is ready'), START_DEADLINE_MS);
  }

  get pid(): number {
    return this.#worker.pid;
  }

  get state(): SlotState {
    return this.#state;
  }

  /**
   * Gives an idle tracer a request, with the client's socket, which stays the caller's; `finished` is called once when
   * it has no part in it any more, at its process's end at the latest.
   * `lost`: the tracer ends with the request.
   */
  begin(
    run: CaptureRun,
    {
      clientFd,
      deadlineMs,
      niceness,
    }: { readonly clientFd: number; readonly deadlineMs: number; readonly niceness: number },
    finished: (lost: boolean) => void,
  ): void {
    clearTimeout(this.#timer);
    this.#state = 'busy';
    this.#run = run;
    this.#finished = finished;
    // The daemon is past its own deadline for the target, whatever the reason: the tracer goes, the kernel lets the
    // target run on.
    run.startTimer(deadlineMs, `deadline of ${deadlineMs / 1000} s passed`, () => this.#worker.kill('deadline passed'));
    this.#worker.renice(niceness);
    const sent = this.#worker.send(encodeMessage(run.job), [clientFd]);
    if (!sent) return;
    run.taken((memory) =>
      this.#worker.send(encodeMessage({ type: 'release', id: run.job.id, ...(memory && { memory }) })),
    );
  }

  /** Ends the process, which is no trouble then. */
  kill(reason: string): void {
    this.#expectedEnd = true;
    this.#worker.kill(reason);
  }

  #message(bytes: Uint8Array, fds: number[], incomplete: boolean): void {
    const problem = this.#handle(bytes, fds, incomplete);
    if (problem !== null) this.#worker.kill(problem);
  }

  #handle(bytes: Uint8Array, fds: number[], incomplete: boolean): string | null {
    const message = decodeTracerMessage(bytes);
    if (!message.ok) {
      closeAll(fds);
      return message.reason;
    }
    if (message.value.type === 'ready' && this.#state === 'starting' && fds.length === 0) {
      this.wasReady = true;
      this.#becomeIdle();
      this.#events.ready();
      return null;
    }
    if (message.value.type === 'ready' || this.#run === null || message.value.id !== this.#run.job.id) {
      closeAll(fds);
      return `it sent a ${message.value.type} message that nobody waits for`;
    }
    const problem = this.#run.accept(message.value, fds, incomplete);
    if (problem === null && message.value.type === 'released') {
      if (message.value.ending === true) {
        // It says that it ends: no request may be given to it meanwhile, and it counts until its process is gone.
        this.#expectedEnd = true;
        this.#run = null;
        this.#ended('it ends');
        return null;
      }
      this.#endRun(false);
      this.#becomeIdle();
      this.#events.free();
    }
    return problem;
  }

  #becomeIdle(): void {
    clearTimeout(this.#timer);
    this.#state = 'idle';
    this.#timer = setTimeout(() => this.#events.idle(), this.#idleMs);
    this.#timer.unref();
  }

  #endRun(lost: boolean): void {
    this.#run = null;
    this.#finished?.(lost);
    this.#finished = null;
  }

  #ended(reason: string): void {
    clearTimeout(this.#timer);
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const run = this.#run;
    this.#run = null;
    run?.fail(`the tracer ended: ${reason}`);
    this.#events.ended(reason, this.#expectedEnd);
  }

  #exited(): void {
    this.#endRun(true);
    this.#events.exited();
  }
}
