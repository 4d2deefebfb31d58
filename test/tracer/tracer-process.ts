/**
 * The real tracer, bundled and started as a process of its own like the daemon does it, and a daemon's end of its
 * channel.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { TRACER_ARGUMENTS } from '../../src/daemon/workers/worker.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { loadAddon, type Poller } from '../../src/platform/addon.js';
import { partPath } from '../../src/platform/parts.js';
import {
  type Captured,
  type CaptureJob,
  type MappedFile,
  NO_WARM_UP,
  type Released,
  type TracerMessage,
} from '../../src/wire/job.js';
import { decodeTracerMessage } from '../../src/wire/job-decode.js';

const addon = loadAddon();

export interface Result {
  readonly captured: Captured;
  readonly dump: Minidump;
  readonly bytes: Buffer;
  readonly files: readonly (MappedFile & { readonly fd: number })[];
  /** Seals of the memfd. */
  readonly seals: number;
}

export class TracerProcess {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #buffer = Buffer.alloc(128 * 1024);
  readonly #queue: { message: TracerMessage; fds: number[] }[] = [];
  readonly #open = new Set<number>();
  #wake: () => void = () => {};
  /** Standard output: what Node says when it was asked to. */
  output = '';
  #ended = false;
  #nextId = 1;

  private constructor(child: ChildProcess, fd: number) {
    this.#child = child;
    this.#fd = fd;
    this.pid = child.pid!;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.exited = once(child, 'exit').then(() => {
      this.#ended = true;
      this.#wake();
    });
    this.#poller = addon.poll(fd, addon.constants.READABLE, () => this.#receive());
  }

  /** `nodeOptions`: more of them than the daemon gives; `warmUp`: as the daemon's, by rehearsals. */
  static async start(nodeOptions: readonly string[] = [], warmUp = false): Promise<TracerProcess> {
    const [own, other] = addon.socketPair('seqpacket');
    for (const fd of [own, other]) addon.setBufferSizes(fd, { send: 512 * 1024, receive: 512 * 1024 });
    addon.setNonBlocking(own, true);
    const child = spawn(
      process.execPath,
      [...TRACER_ARGUMENTS, ...nodeOptions, partPath('tracer.cjs'), ...(warmUp ? [] : [NO_WARM_UP])],
      {
        stdio: ['ignore', 'pipe', 'inherit', other],
      },
    );
    addon.closeFd(other);
    const tracer = new TracerProcess(child, own);
    const { message } = await tracer.next();
    if (message.type !== 'ready') throw new Error(`the tracer said ${message.type} first`);
    return tracer;
  }

  send(message: object, fds: readonly number[] = []): void {
    addon.sendMessage(this.#fd, Buffer.from(JSON.stringify(message)), fds);
  }

  /** Sends a job with the defaults filled in; returns its id. */
  request(job: Partial<CaptureJob> & Pick<CaptureJob, 'pid'>, client?: number): number {
    const id = this.#nextId++;
    this.send(
      {
        type: 'capture',
        id,
        kind: 'tombstone',
        tid: job.pid,
        uid: process.getuid!(),
        gid: process.getgid!(),
        abortMessageAddress: 0,
        originalSiCode: 0,
        hold: false,
        limits: { stackBytes: 256 * 1024, dumpBytes: 64 * 1024 * 1024 },
        host: { fingerprint: 'test/machine', revision: '7', utcOffsetMinutes: 60 },
        logFiles: [],
        ...job,
      },
      client === undefined ? [] : [client],
    );
    return id;
  }

  /** A whole capture: the copy, and that the target was released after it. */
  async capture(job: Partial<CaptureJob> & Pick<CaptureJob, 'pid'>, client?: number): Promise<Result> {
    const id = this.request(job, client);
    const result = await this.copy(id);
    await this.released(id);
    return result;
  }

  /** Why the capture failed. */
  async refusal(job: Partial<CaptureJob> & Pick<CaptureJob, 'pid'>): Promise<string> {
    const id = this.request(job);
    const { message } = await this.next();
    if (message.type !== 'capture-failed') throw new Error(`expected a failure, got ${JSON.stringify(message)}`);
    await this.released(id);
    return message.reason;
  }

  async copy(id: number): Promise<Result> {
    const files: (MappedFile & { fd: number })[] = [];
    for (;;) {
      const { message, fds } = await this.next();
      if (message.type === 'files') {
        if (message.files.length !== fds.length)
          throw new Error(`${fds.length} descriptors of ${message.files.length} files`);
        message.files.forEach((file, i) => {
          files.push({ ...file, fd: fds[i]! });
        });
      } else if (message.type === 'captured') {
        if (message.id !== id) throw new Error(`job ${message.id} instead of ${id}`);
        const [fd] = fds;
        const bytes = Buffer.alloc(fstatSync(fd!).size);
        readSync(fd!, bytes, 0, bytes.length, 0);
        return { captured: message, dump: Minidump.open(bytes), bytes, files, seals: addon.getSeals(fd!) };
      } else throw new Error(JSON.stringify(message));
    }
  }

  async released(id: number): Promise<Released> {
    const { message } = await this.next();
    if (message.type !== 'released' || message.id !== id) throw new Error(JSON.stringify(message));
    return message;
  }

  /** The next message; its descriptors are closed by `stop`. */
  async next(): Promise<{ message: TracerMessage; fds: number[] }> {
    for (;;) {
      const first = this.#queue.shift();
      if (first !== undefined) return first;
      if (this.#ended) throw new Error('the tracer has ended');
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#poller.close();
    addon.closeFd(this.#fd);
    // Its channel's end is what tells it to go.
    await this.exited;
    for (const fd of this.#open) closeSync(fd);
  }

  /** 'end': it has ended with a job unread. */
  #receiveOne(): ReturnType<typeof addon.receiveMessage> | 'end' {
    try {
      return addon.receiveMessage(this.#fd, this.#buffer, 250);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return 'end';
      throw error;
    }
  }

  #receive(): void {
    for (;;) {
      const got = this.#receiveOne();
      if (got === null) return;
      if (got === 'end' || got.bytes === 0) {
        this.#poller.update(0);
        return;
      }
      for (const fd of got.fds) this.#open.add(fd);
      const decoded = decodeTracerMessage(this.#buffer.subarray(0, got.bytes));
      if (!decoded.ok) throw new Error(decoded.reason);
      this.#queue.push({ message: decoded.value, fds: got.fds });
      this.#wake();
    }
  }
}
