/**
 * Where a program with the client library knocks when it crashes: takes its request and leaves the rest to the tracer.
 */
import { EventEmitter, once } from 'node:events';
import { type Credentials, loadAddon, type Poller } from '../../src/platform/addon.js';

const addon = loadAddon();

export interface Knock {
  readonly peer: Credentials;
  readonly tid: number;
  readonly abortMessageAddress: number;
  readonly originalSiCode: number;
  /** The client's socket; closed with the listener. */
  readonly fd: number;
}

let count = 0;

export class CrashListener {
  readonly name = `debuggerd-tracer-test-${process.pid}-${count++}`;
  readonly #fd = addon.listenUnix('stream', { abstract: this.name });
  readonly #events = new EventEmitter();
  readonly #knocks: Knock[] = [];
  readonly #open: number[] = [];
  readonly #poller: Poller;

  constructor() {
    this.#poller = addon.poll(this.#fd, addon.constants.READABLE, () => this.#accept());
  }

  async next(): Promise<Knock> {
    while (this.#knocks.length === 0) await once(this.#events, 'knock');
    return this.#knocks.shift()!;
  }

  close(): void {
    this.#poller.close();
    addon.closeFd(this.#fd);
    for (const fd of this.#open) addon.closeFd(fd);
  }

  #accept(): void {
    const fd = addon.acceptUnix(this.#fd, false);
    if (fd === null) return;
    this.#open.push(fd);
    const request = Buffer.alloc(20);
    const got = addon.receiveMessage(fd, request, 0, addon.constants.MSG_WAITALL);
    if (got?.bytes !== 20) throw new Error(`a request of ${got?.bytes} bytes`);
    this.#knocks.push({
      peer: addon.peerCredentials(fd),
      tid: request.readInt32LE(4),
      abortMessageAddress: Number(request.readBigUInt64LE(8)),
      originalSiCode: request.readInt32LE(16),
      fd,
    });
    this.#events.emit('knock');
  }
}
