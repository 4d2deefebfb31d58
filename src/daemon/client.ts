/** One connected client: its identity, its request, the reply. Every wait has a deadline and blocks nobody else. */
import { readSync } from 'node:fs';
import { loadAddon } from '../platform/addon.js';
import { type Decoded, malformed } from '../protocol/decoded.js';
import { type DebuggerRequest, decodeRequest, REQUEST_SIZE } from '../protocol/request.js';
import type { PeerCredentials } from './policy.js';
import { waitFor } from './readiness.js';

const CHUNK = 64 * 1024;

/** Owns `fd` and the peer's pidfd. */
export class Client {
  readonly #addon = loadAddon();
  readonly fd: number;
  /** From SO_PEERCRED: fixed by the kernel at the connect. */
  readonly credentials: PeerCredentials;
  /** Null before Linux 6.5. */
  readonly #pidfd: number | null;
  #open = true;
  readonly #closing = new AbortController();

  /** @throws SystemError when the socket does not tell who its peer is. `fd` is the caller's then. */
  constructor(fd: number) {
    this.fd = fd;
    this.credentials = this.#addon.peerCredentials(fd);
    this.#pidfd = this.#addon.peerPidfd(fd);
  }

  /** Reads the request as Android's daemon does: what the first read gives must be all of it. */
  async readRequest(deadlineMs: number): Promise<Decoded<DebuggerRequest>> {
    // The request is there already, as a rule: a client writes as soon as it is connected.
    const early = this.#receiveRequest();
    if (early !== null) return early;
    const ready = await waitFor(this.fd, 'readable', deadlineMs, this.#closing.signal);
    const timedOut = malformed('timed out reading tid');
    if (!ready || !this.#open) return timedOut;
    return this.#receiveRequest() ?? timedOut;
  }

  /** Null: nothing has come yet. */
  #receiveRequest(): Decoded<DebuggerRequest> | null {
    const buffer = new Uint8Array(REQUEST_SIZE * 2);
    try {
      const message = this.#addon.receiveMessage(this.fd, buffer);
      return message === null ? null : decodeRequest(buffer.subarray(0, message.bytes));
    } catch (error) {
      return malformed((error as Error).message);
    }
  }

  /** Whether the peer still holds its end open. */
  isConnected(): boolean {
    if (!this.#open) return false;
    try {
      const { MSG_PEEK, MSG_DONTWAIT } = this.#addon.constants;
      return this.#addon.receiveMessage(this.fd, new Uint8Array(1), 0, MSG_PEEK | MSG_DONTWAIT)?.bytes !== 0;
    } catch {
      return false;
    }
  }

  /** Whether the process that connected is alive, so that facts read by its pid were its own. True where the kernel cannot tell. */
  isPeerAlive(): boolean {
    if (this.#pidfd === null) return true;
    try {
      this.#addon.pidfdSendSignal(this.#pidfd, 0);
      return true;
    } catch (error) {
      // EPERM is an answer of the living.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }

  /** Writes all of `bytes`; false when the client went away or took longer than `deadlineMs`. */
  async write(bytes: Uint8Array, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    let at = 0;
    while (at < bytes.length) {
      if (!this.#open) return false;
      let sent: number | null;
      try {
        sent = this.#addon.sendMessage(this.fd, bytes.subarray(at));
      } catch {
        return false;
      }
      at += sent ?? 0;
      if (at === bytes.length) break;
      if (!(await waitFor(this.fd, 'writable', end - performance.now(), this.#closing.signal))) return false;
    }
    return true;
  }

  /** Streams `size` bytes of a memfd, chunk by chunk, within one deadline. */
  async writeFrom(memfd: number, size: number, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    const chunk = new Uint8Array(Math.min(CHUNK, size));
    for (let position = 0; position < size; ) {
      // A memfd is memory: this read waits for no device.
      const length = readSync(memfd, chunk, 0, Math.min(chunk.length, size - position), position);
      if (length === 0) break;
      if (!(await this.write(chunk.subarray(0, length), end - performance.now()))) return false;
      position += length;
      if (position < size) await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closing.abort();
    this.#addon.closeFd(this.fd);
    if (this.#pidfd !== null) this.#addon.closeFd(this.#pidfd);
  }
}
