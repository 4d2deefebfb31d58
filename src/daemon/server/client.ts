/** One connected client: its identity, its request, the reply. Every wait has a deadline and blocks nobody else. */
import { readSync } from 'node:fs';
import { loadAddon } from '../../platform/addon.js';
import { type Decoded, malformed } from '../../wire/decoded.js';
import { type DebuggerRequest, decodeRequest, REQUEST_SIZE } from '../../wire/request.js';
import type { PeerCredentials } from '../policy/policy.js';
import { waitFor } from './readiness.js';
import type { SocketDisposal } from './socket-disposal.js';

const CHUNK = 64 * 1024;

/** Owns `fd` and the peer's pidfd. */
export class Client {
  readonly #addon = loadAddon();
  readonly fd: number;
  /** From SO_PEERCRED: fixed by the kernel at the connect. */
  readonly credentials: PeerCredentials;
  /** Null before Linux 6.5. */
  readonly #pidfd: number | null;
  /** The peer can send descriptors (before Linux 6.16): closing them may take as long as it wants. */
  readonly #takesRights: boolean;
  readonly #disposal: SocketDisposal;
  #open = true;
  readonly #closing = new AbortController();

  /** @throws SystemError when the socket does not tell who its peer is. `fd` is the caller's then. */
  constructor(fd: number, disposal: SocketDisposal) {
    this.fd = fd;
    this.#disposal = disposal;
    this.credentials = this.#addon.peerCredentials(fd);
    this.#takesRights = this.#addon.takesRights(fd);
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
      const bytes = this.#addon.receivePlain(this.fd, buffer);
      if (bytes === -1) return malformed('it sent descriptors');
      return bytes === null ? null : decodeRequest(buffer.subarray(0, bytes));
    } catch (error) {
      return malformed((error as Error).message);
    }
  }

  /** Whether the peer still holds its end open. */
  isConnected(): boolean {
    if (!this.#open) return false;
    try {
      return this.#addon.receivePlain(this.fd, new Uint8Array(1), true) !== 0;
    } catch {
      return false;
    }
  }

  /**
   * Whether the process that connected is alive, so that facts read by its pid were its own. True where the kernel
   * cannot tell.
   */
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
    if (!this.#takesRights) this.#addon.closeFd(this.fd);
    else if (!this.#addon.closeWithoutRights(this.fd)) this.#disposal.add(this.fd);
    if (this.#pidfd !== null) this.#addon.closeFd(this.#pidfd);
  }
}
