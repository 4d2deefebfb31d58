import type { StartWorker, Worker, WorkerHandlers } from '../../src/daemon/workers/worker.js';
import { encodeMessage } from '../../src/wire/job-decode.js';

/** A worker in memory: the test reads what it was sent and speaks for it. */
export class FakeWorker implements Worker {
  readonly pid: number;
  readonly sent: { readonly message: Record<string, unknown>; readonly fds: readonly number[] }[] = [];
  readonly #handlers: WorkerHandlers;
  niceness = 0;
  alive = true;
  /** Why it was killed; null while it lives or when it ended by itself. */
  killed: string | null = null;
  /** It stays there when it is killed, as one that waits for a device; until `exit`. */
  stuck = false;

  constructor(pid: number, handlers: WorkerHandlers) {
    this.pid = pid;
    this.#handlers = handlers;
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (!this.alive) return false;
    this.sent.push({ message: JSON.parse(Buffer.from(bytes).toString()), fds });
    return true;
  }

  renice(niceness: number): void {
    this.niceness = niceness;
  }

  kill(reason: string): void {
    if (!this.alive) return;
    this.killed = reason;
    this.end(reason);
  }

  /** Says something to the daemon. */
  say(message: object, fds: number[] = []): void {
    if (this.alive) this.#handlers.message(encodeMessage(message), fds, false);
  }

  end(reason: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.#handlers.ended(reason);
    if (!this.stuck) this.exit();
  }

  exit(): void {
    this.#handlers.exited?.();
  }
}

/** Starts fake workers and keeps them in the order of their start. */
export function fakeWorkers(): { readonly workers: FakeWorker[]; readonly start: StartWorker } {
  const workers: FakeWorker[] = [];
  return {
    workers,
    start: (handlers) => {
      const worker = new FakeWorker(1000 + workers.length, handlers);
      workers.push(worker);
      return worker;
    },
  };
}
