/** The tracer as a process, spoken to in turns: what the daemon does of protocol/job.ts, without the daemon. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { TRACER_ARGUMENTS } from '../../src/daemon/workers/worker.js';
import { loadAddon } from '../../src/platform/addon.js';
import { partPath } from '../../src/platform/parts.js';
import type { Captured, CaptureJob, MappedFile, RequestKind, TracerMessage } from '../../src/wire/job.js';
import { MAX_FDS, MAX_MESSAGE } from '../../src/wire/job.js';

/** A copy and the files behind it. The descriptors are the caller's to close. */
export interface Copy {
  readonly captured: Captured;
  readonly memfd: number;
  readonly files: readonly { readonly file: MappedFile; readonly fd: number }[];
}

export class TracerClient {
  readonly #addon = loadAddon();
  readonly #child: ChildProcess;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(MAX_MESSAGE);

  /** Starts it as the daemon does, and waits until it is warm. */
  constructor() {
    const [own, other] = this.#addon.socketPair('seqpacket');
    this.#fd = own;
    const args = [...TRACER_ARGUMENTS, partPath('tracer.cjs')];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', other] });
    this.#addon.closeFd(other);
    this.#next();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  capture(pid: number, kind: Exclude<RequestKind, 'crash'> = 'backtrace'): Copy {
    const job: CaptureJob = {
      type: 'capture',
      id: 1,
      kind,
      pid,
      tid: pid,
      uid: process.getuid!(),
      gid: process.getgid!(),
      abortMessageAddress: 0,
      originalSiCode: 0,
      hold: false,
      limits: { stackBytes: 256 * 1024, dumpBytes: 64 * 1024 * 1024 },
      host: { fingerprint: '', revision: '', utcOffsetMinutes: 0 },
      logFiles: [],
    };
    this.#addon.sendMessage(this.#fd, Buffer.from(JSON.stringify(job)));
    const files: Copy['files'][number][] = [];
    let copy: Copy | null = null;
    for (;;) {
      const { message, fds } = this.#next();
      if (message.type === 'files') files.push(...message.files.map((file, i) => ({ file, fd: fds[i]! })));
      else if (message.type === 'captured') copy = { captured: message, memfd: fds[0]!, files };
      else if (message.type === 'capture-failed') throw new Error(message.reason);
      else if (message.type === 'released' && copy !== null) return copy;
    }
  }

  /** Closes what a capture gave. */
  drop({ memfd, files }: Copy): void {
    for (const fd of [memfd, ...files.map(({ fd }) => fd)]) this.#addon.closeFd(fd);
  }

  async close(): Promise<void> {
    this.#addon.closeFd(this.#fd);
    await once(this.#child, 'exit');
  }

  #next(): { message: TracerMessage; fds: number[] } {
    const got = this.#addon.receiveMessage(this.#fd, this.#buffer, MAX_FDS);
    if (got === null || got.bytes === 0) throw new Error('the tracer has ended');
    return { message: JSON.parse(this.#buffer.toString('utf8', 0, got.bytes)), fds: got.fds };
  }
}
