/**
 * The engraver: one confined process, warm, one job at a time. It parses what crashing processes control, so it may die or fall silent
 * at any job: then it is replaced, and the caller learns why.
 */
import type { Engraved, EngraveFiles, EngraveJob, EngraverMessage, OutputKind } from '../protocol/job.js';
import { MAX_FDS, MAX_MESSAGE } from '../protocol/job.js';
import { decodeEngraverMessage, encodeMessage } from '../protocol/job-decode.js';
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
}

/** What is to be rendered. All descriptors stay the caller's. */
export interface EngraveOrder {
  readonly id: number;
  readonly memfd: number;
  readonly files: readonly OpenedFile[];
  readonly outputs: readonly { readonly kind: OutputKind; readonly fd: number }[];
  /** Size of the completed minidump at most. */
  readonly dumpBytes?: number;
}

export type EngraveResult =
  | { readonly ok: true; readonly engraved: Engraved }
  | { readonly ok: false; readonly reason: string };

/** Bytes of a message around its list of files, at most. */
const MESSAGE_FRAME = 256;

interface PendingOrder {
  readonly order: EngraveOrder;
  readonly resolve: (result: EngraveResult) => void;
}

export class EngraverHost {
  readonly #options: EngraverOptions;
  readonly #delay = new RestartDelay();
  #worker: Worker | null = null;
  #ready = false;
  readonly #queue: PendingOrder[] = [];
  #current: PendingOrder | null = null;
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

  /** Renders one copy. The descriptors must stay open until the promise resolves; it never rejects. */
  engrave(order: EngraveOrder): Promise<EngraveResult> {
    if (!this.#open) return Promise.resolve({ ok: false, reason: 'the daemon is shutting down' });
    if (this.#restart !== undefined) return Promise.resolve({ ok: false, reason: 'the engraver does not start' });
    return new Promise((resolve) => {
      this.#queue.push({ order, resolve });
      this.#dispatch();
    });
  }

  /** Ends the engraver and starts a fresh one: the next job finds nothing of the last in it. */
  renew(): void {
    this.#worker?.kill('to be replaced by a fresh one');
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#restart);
    for (const { resolve } of this.#queue.splice(0)) resolve({ ok: false, reason: 'the daemon is shutting down' });
    this.#worker?.kill('the daemon is shutting down');
  }

  #start(): void {
    this.#ready = false;
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
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#current = next;
    const worker = this.#worker;
    const { deadlineMs } = this.#options;
    this.#timer = setTimeout(() => worker.kill(`it passed its deadline of ${deadlineMs / 1000} s`), deadlineMs);
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
      return null;
    }
    const current = this.#current;
    if (current === null || message.id !== current.order.id) return 'it answered what nobody asked';
    clearTimeout(this.#timer);
    this.#current = null;
    current.resolve(
      message.type === 'engraved' ? { ok: true, engraved: message } : { ok: false, reason: message.reason },
    );
    this.#dispatch();
    return null;
  }

  #ended(reason: string): void {
    clearTimeout(this.#timer);
    const wasReady = this.#ready;
    this.#worker = null;
    this.#ready = false;
    const current = this.#current;
    this.#current = null;
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
    for (const { resolve } of this.#queue.splice(0))
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
