/**
 * The engraver: one confined process, warm, one job at a time. It parses what crashing processes control, so it may die
 * or fall silent at any job: then it is replaced, and the caller learns why. Who has had less of its time lately goes
 * first; while others wait, a user's job has less time than it would have alone.
 */
import type { Engraved, EngraveFiles, EngraveJob, EngraverMessage, OutputKind } from '../../wire/job.js';
import { MAX_FDS, MAX_MESSAGE } from '../../wire/job.js';
import { decodeEngraverMessage, encodeMessage } from '../../wire/job-decode.js';
import { FairQueue } from '../scheduling/fair-queue.js';
import { nicenessFor } from '../scheduling/niceness.js';
import { closeAll, type OpenedFile } from './capture-run.js';
import { RestartDelay } from './restart-delay.js';
import type { StartWorker, Worker } from './worker.js';

export interface EngraverOptions {
  readonly start: StartWorker;
  /** From the hand-over of a job to its answer, ms. */
  readonly deadlineMs: number;
  /** How long a new engraver may take until it is ready, ms. Default 60 s. */
  readonly startMs?: number;
  readonly trouble: (message: string) => void;
  /** A new engraver has said that it is ready. */
  readonly becameReady?: () => void;
}

/** What is to be rendered. All descriptors stay the caller's. */
export interface EngraveOrder {
  readonly id: number;
  /** Whose it is. */
  readonly uid: number;
  readonly memfd: number;
  readonly files: readonly OpenedFile[];
  readonly outputs: readonly { readonly kind: OutputKind; readonly fd: number }[];
  /** Size of the completed minidump at most. */
  readonly dumpBytes?: number;
}

export type EngraveResult =
  | { readonly ok: true; readonly engraved: Engraved }
  /** `unwritten`: the engraver says that an output took no more. */
  | { readonly ok: false; readonly reason: string; readonly unwritten?: boolean };

/** Bytes of a message around its list of files, at most. */
const MESSAGE_FRAME = 256;
/** The part of the deadline that a job of a user other than root has while other users' jobs wait. */
const CONTENDED = 0.3;

interface PendingOrder {
  readonly uid: number;
  readonly order: EngraveOrder;
  /** A second try, which needs an engraver that has done nothing yet. */
  readonly again: boolean;
  readonly resolve: (result: EngraveResult) => void;
}

export class EngraverHost {
  readonly #options: EngraverOptions;
  readonly #delay = new RestartDelay();
  #worker: Worker | null = null;
  #ready = false;
  readonly #queue = new FairQueue<PendingOrder>(1);
  #current: PendingOrder | null = null;
  /** When the current job was handed over. */
  #begun = 0;
  /** The engraver has had a job. */
  #used = false;
  /** Waits for the engraver that was made fresh for it. */
  #first: PendingOrder | null = null;
  #timer: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #open = true;

  constructor(options: EngraverOptions) {
    this.#options = options;
    this.#start();
  }

  /** Pid of the engraver; null while there is none. */
  get pid(): number | null {
    return this.#worker?.pid ?? null;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /**
   * Renders one copy. The descriptors must stay open until the promise resolves; it never rejects. `fresh`: by an
   * engraver that has done nothing before, so that it finds nothing that another job has left.
   */
  engrave(order: EngraveOrder, fresh = false): Promise<EngraveResult> {
    if (!this.#open) return Promise.resolve({ ok: false, reason: 'the daemon is shutting down' });
    if (this.#restart !== undefined) return Promise.resolve({ ok: false, reason: 'the engraver does not start' });
    return new Promise((resolve) => {
      this.#queue.push({ uid: order.uid, order, again: fresh, resolve });
      if (this.#current === null) this.#dispatch();
      else {
        this.#watch(this.#current.order);
        this.#renice();
      }
    });
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#restart);
    for (const { resolve } of this.#queue.clear()) resolve({ ok: false, reason: 'the daemon is shutting down' });
    this.#worker?.kill('the daemon is shutting down');
  }

  #start(): void {
    this.#ready = false;
    this.#used = false;
    try {
      const worker: Worker = this.#options.start({
        message: (bytes, fds) => this.#message(bytes, fds),
        ended: (reason) => this.#ended(reason),
      });
      this.#worker = worker;
      this.#timer = setTimeout(() => worker.kill('it did not say that it is ready'), this.#options.startMs ?? 60_000);
    } catch (error) {
      this.#worker = null;
      this.#ended(`cannot start it: ${(error as Error).message}`);
    }
  }

  #dispatch(): void {
    if (!this.#ready || this.#current !== null || this.#worker === null) return;
    const worker = this.#worker;
    const next = this.#first ?? this.#queue.next();
    if (next === null) return;
    if (next.again && this.#used) {
      this.#first = next;
      worker.kill('to be replaced by a fresh one');
      return;
    }
    this.#queue.remove(next);
    this.#first = null;
    this.#current = next;
    this.#begun = performance.now();
    this.#used = true;
    this.#watch(next.order);
    this.#renice();
    const { id, memfd, files, outputs, dumpBytes } = next.order;
    for (const group of groupFiles(files)) {
      const message: EngraveFiles = { type: 'files', id, files: group.map(({ file }) => file) };
      const fds = group.map(({ fd }) => fd);
      if (!worker.send(encodeMessage(message), fds)) return;
    }
    const limit = dumpBytes === undefined ? {} : { dumpBytes };
    const job: EngraveJob = { type: 'engrave', id, outputs: outputs.map(({ kind }) => kind), ...limit };
    worker.send(encodeMessage(job), [memfd, ...outputs.map(({ fd }) => fd)]);
  }

  /** The engraver stands back as far as everybody does whom it serves or who waits for it. */
  #renice(): void {
    const orders = [...(this.#current === null ? [] : [this.#current]), ...this.#queue];
    const uids = new Set(orders.map(({ uid }) => uid));
    this.#worker?.renice(Math.min(...[...uids].map((uid) => nicenessFor(uid, this.#queue.spent(uid)))));
  }

  /** Ends the engraver when the current job has had its time: less of it while others wait. */
  #watch({ uid }: EngraveOrder): void {
    const contended = uid !== 0 && [...this.#queue].some((waiting) => waiting.uid !== uid);
    const limit = this.#options.deadlineMs * (contended ? CONTENDED : 1);
    const left = Math.max(0, this.#begun + limit - performance.now());
    clearTimeout(this.#timer);
    const reason = `it passed its deadline of ${limit / 1000} s${contended ? ' while others waited' : ''}`;
    this.#timer = setTimeout(() => this.#worker?.kill(reason), left);
  }

  /** The current job is over; null: there was none. */
  #finish(): PendingOrder | null {
    clearTimeout(this.#timer);
    const current = this.#current;
    this.#current = null;
    if (current !== null) this.#queue.spend(current.uid, performance.now() - this.#begun);
    return current;
  }

  #message(bytes: Uint8Array, fds: number[]): void {
    // It has nothing to give: descriptors from it could only do harm.
    closeAll(fds);
    const message = decodeEngraverMessage(bytes);
    const problem = message.ok ? this.#handle(message.value) : message.reason;
    if (problem !== null) this.#worker?.kill(problem);
  }

  /** In what way a message is wrong, or null. */
  #handle(message: EngraverMessage): string | null {
    if (message.type === 'ready') {
      if (this.#ready) return 'it said twice that it is ready';
      clearTimeout(this.#timer);
      this.#ready = true;
      this.#delay.succeeded();
      this.#dispatch();
      this.#options.becameReady?.();
      return null;
    }
    const current = this.#current;
    if (current === null || message.id !== current.order.id) return 'it answered what nobody asked';
    this.#finish();
    current.resolve(
      message.type === 'engraved'
        ? { ok: true, engraved: message }
        : { ok: false, reason: message.reason, ...(message.unwritten === true && { unwritten: true }) },
    );
    this.#dispatch();
    return null;
  }

  #ended(reason: string): void {
    const wasReady = this.#ready;
    const current = this.#finish();
    this.#worker = null;
    this.#ready = false;
    if (!this.#open) {
      current?.resolve({ ok: false, reason: 'the daemon is shutting down' });
      return;
    }
    this.#options.trouble(`engraver ended: ${reason}`);
    if (wasReady) this.#start();
    else this.#startLater(reason);
    current?.resolve({ ok: false, reason: `the engraver ended: ${reason}` });
  }

  /** What cannot even start is not tried again at once, and nobody waits for it: their dumps are kept as they are. */
  #startLater(reason: string): void {
    this.#first = null;
    for (const { resolve } of this.#queue.clear())
      resolve({ ok: false, reason: `the engraver does not start: ${reason}` });
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.#start();
    }, this.#delay.next());
  }
}

/** Splits files into groups that each fit in one message. */
export function groupFiles(files: readonly OpenedFile[]): OpenedFile[][] {
  const groups: OpenedFile[][] = [];
  let room = 0;
  for (const opened of files) {
    const bytes = Buffer.byteLength(JSON.stringify(opened.file)) + 1;
    const group = groups.at(-1);
    if (group === undefined || group.length === MAX_FDS || bytes > room) {
      groups.push([opened]);
      room = MAX_MESSAGE - MESSAGE_FRAME - bytes;
    } else {
      group.push(opened);
      room -= bytes;
    }
  }
  return groups;
}
