/** One capture from the queue to the release of its target: what the tracer says of it becomes two promises. */
import { loadAddon } from '../../platform/addon.js';
import type { Captured, CaptureJob, MappedFile, TracerMessage } from '../../wire/job.js';

/** A file of the target that the tracer opened; the descriptor belongs to who holds the copy. */
export interface OpenedFile {
  readonly file: MappedFile;
  readonly fd: number;
}

export type CaptureResult =
  | {
      readonly ok: true;
      readonly captured: Captured /** The caller's to close. */;
      readonly memfd: number /** The caller's to close. */;
      readonly files: readonly OpenedFile[];
    }
  | { readonly ok: false; readonly reason: string };

export interface PendingCapture {
  readonly result: Promise<CaptureResult>;
  /** Resolves when the target is not held any more, for whatever reason. Never rejects. */
  readonly released: Promise<void>;
  /** Lets a held target go; `memory`: once the client was sent all of its memory, which a full capture is made for. */
  release(memory?: boolean): void;
  /** What went wrong after the copy; null before `released`, and as a rule. */
  readonly problem: string | null;
  /** When a tracer took it (performance.now()); null while it waits. */
  readonly startedAt: number | null;
}

/** More mapped files than any real process has. */
const MAX_FILES = 4096;

export class CaptureRun implements PendingCapture {
  readonly job: CaptureJob;
  readonly #files: OpenedFile[] = [];
  readonly #maxFiles: number;
  #lostFiles = 0;
  readonly result: Promise<CaptureResult>;
  readonly released: Promise<void>;
  #resolveResult!: (result: CaptureResult) => void;
  #resolveReleased!: () => void;
  #hasResult = false;
  #settled = false;
  #onSettled: (() => void)[] = [];
  #onRelease: ((memory: boolean) => void) | null = null;
  #releaseWanted = false;
  problem: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  startedAt: number | null = null;

  /** `maxFiles`: mapped files that are kept; the rest is closed, and their frames stay without names. */
  constructor(job: CaptureJob, maxFiles = MAX_FILES) {
    this.job = job;
    this.#maxFiles = maxFiles;
    this.result = new Promise((resolve) => {
      this.#resolveResult = resolve;
    });
    this.released = new Promise((resolve) => {
      this.#resolveReleased = resolve;
    });
  }

  get hasResult(): boolean {
    return this.#hasResult;
  }

  onSettled(listener: () => void): void {
    if (this.#settled) listener();
    else this.#onSettled.push(listener);
  }

  /** Fails the run with `reason` after `ms`, unless it is settled or the timer is started anew. */
  startTimer(ms: number, reason: string, expired: () => void = () => {}): void {
    clearTimeout(this.#timer);
    if (this.#settled) return;
    this.#timer = setTimeout(() => {
      this.fail(reason);
      expired();
    }, ms);
  }

  /** A tracer has it now; `release` is how to tell that tracer to let go. */
  taken(release: (memory: boolean) => void): void {
    this.startedAt = performance.now();
    this.#onRelease = release;
  }

  /**
   * Takes a message of its tracer, with the descriptors; in what way it breaks the protocol, else null.
   * `incomplete`: more descriptors were sent than this process may have.
   */
  accept(message: TracerMessage, fds: number[], incomplete = false): string | null {
    const sent = (count: number): boolean => fds.length === count || (incomplete && fds.length < count);
    if (message.type === 'files' && !this.#hasResult && sent(message.files.length)) {
      for (const [at, fd] of fds.entries()) this.#keepFile(message.files[at]!, fd);
      // No descriptor of this process was free for them.
      this.#lostFiles += message.files.length - fds.length;
      return null;
    }
    const [memfd] = fds;
    if (message.type === 'captured' && !this.#hasResult && memfd !== undefined && fds.length === 1) {
      this.#giveResult({ ok: true, captured: this.#noteLosses(message), memfd, files: this.#files.splice(0) });
      if (this.#releaseWanted && this.job.hold) this.#onRelease?.(false);
      return null;
    }
    closeAll(fds);
    if (message.type === 'captured' && !this.#hasResult && incomplete && fds.length === 0) {
      // Not the tracer's fault, and it goes on to release the target.
      this.#giveResult({ ok: false, reason: 'no descriptor is free for the copy' });
      if (this.job.hold) this.#onRelease?.(false);
      return null;
    }
    if (message.type === 'capture-failed' && !this.#hasResult && fds.length === 0) {
      this.#giveResult({ ok: false, reason: message.reason });
      return null;
    }
    if (message.type === 'released' && this.#hasResult && fds.length === 0) {
      this.problem = message.problem ?? null;
      this.#settle();
      return null;
    }
    return `it sent a ${message.type} message with ${fds.length} descriptors where none is due`;
  }

  release(memory = false): void {
    if (this.#releaseWanted) return;
    this.#releaseWanted = true;
    if (this.#hasResult && !this.#settled && this.job.hold) this.#onRelease?.(memory);
  }

  /** Ends the run in whatever state it is. */
  fail(reason: string): void {
    if (!this.#hasResult) this.#giveResult({ ok: false, reason });
    else if (!this.#settled) this.problem ??= reason;
    this.#settle();
  }

  #keepFile(file: MappedFile, fd: number): void {
    if (this.#files.length < this.#maxFiles) {
      this.#files.push({ file, fd });
      return;
    }
    this.#lostFiles++;
    loadAddon().closeFd(fd);
  }

  #noteLosses(captured: Captured): Captured {
    if (this.#lostFiles === 0) return captured;
    const loss = `files: ${this.#lostFiles} are not looked into: a copy may bring ${this.#maxFiles}`;
    return { ...captured, softErrors: [...captured.softErrors, loss] };
  }

  #giveResult(result: CaptureResult): void {
    this.#hasResult = true;
    if (!result.ok) closeAll(this.#files.splice(0).map(({ fd }) => fd));
    this.#resolveResult(result);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#resolveReleased();
    for (const listener of this.#onSettled.splice(0)) listener();
  }
}

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) loadAddon().closeFd(fd);
}
