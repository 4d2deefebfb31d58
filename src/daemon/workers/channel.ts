/** Messages with descriptors over a non-blocking SOCK_SEQPACKET socket: one end of what protocol/job.ts describes. */
import { loadAddon, type Poller, type ReceivedMessage } from '../../platform/addon.js';
import { MAX_FDS, MAX_MESSAGE } from '../../wire/job.js';

export interface ChannelHandlers {
  /**
   * The descriptors belong to the handler. `incomplete`: more were sent, and this process may not have them. `bytes` is
   * a view that the next message overwrites.
   */
  message(bytes: Uint8Array, fds: number[], incomplete: boolean): void;
  /** Once, at the end of the stream or after an error; the channel is closed then. */
  closed(reason: string): void;
}

/** A message with up to MAX_FDS descriptors fits in this, the kernel's bookkeeping included. */
const SOCKET_BUFFER = 4 * MAX_MESSAGE;
/** Messages taken per wake-up, so that one busy peer does not keep the others waiting. */
const MESSAGES_AT_ONCE = 32;
/** Messages that a peer may leave unread before it counts as stuck. */
const MAX_UNSENT = 128;

interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: number[];
}

/** Both ends of a new channel: the daemon's is non-blocking, the other is to be given to a child. */
export function createChannelPair(): { readonly own: number; readonly child: number } {
  const addon = loadAddon();
  const [own, child] = addon.socketPair('seqpacket');
  for (const fd of [own, child]) addon.setBufferSizes(fd, { send: SOCKET_BUFFER, receive: SOCKET_BUFFER });
  addon.setNonBlocking(own, true);
  return { own, child };
}

/** Owns `fd`. */
export class Channel {
  readonly #addon = loadAddon();
  readonly #fd: number;
  readonly #handlers: ChannelHandlers;
  readonly #poller: Poller;
  readonly #buffer = new Uint8Array(MAX_MESSAGE);
  readonly #unsent: Unsent[] = [];
  readonly #maxFds: number;
  #open = true;

  /** `maxFds`: descriptors that are taken of a message. */
  constructor(fd: number, handlers: ChannelHandlers, maxFds = MAX_FDS) {
    this.#maxFds = Math.min(maxFds, MAX_FDS);
    this.#fd = fd;
    this.#handlers = handlers;
    this.#poller = this.#addon.poll(fd, this.#addon.constants.READABLE, (error, events) => {
      if (error) this.#end(error.message);
      else this.#ready(events);
    });
  }

  /** Sends now or, where the peer is behind, later. The descriptors stay the caller's. False: the channel is closed. */
  send(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (!this.#open) return false;
    if (this.#unsent.length > 0 || !this.#trySend(bytes, fds)) this.#keep(bytes, fds);
    return this.#open;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.close();
    this.#addon.closeFd(this.#fd);
    for (const { fds } of this.#unsent.splice(0)) for (const fd of fds) this.#addon.closeFd(fd);
  }

  /** Whether it needs no second attempt. */
  #trySend(bytes: Uint8Array, fds: readonly number[]): boolean {
    try {
      return this.#addon.sendMessage(this.#fd, bytes, fds) !== null;
    } catch (error) {
      this.#end((error as Error).message);
      return true;
    }
  }

  #keep(bytes: Uint8Array, fds: readonly number[]): void {
    if (this.#unsent.length >= MAX_UNSENT) {
      this.#end('it does not read its messages');
      return;
    }
    // Duplicates, since the caller may close its own before the peer has room.
    const copies: number[] = [];
    try {
      for (const fd of fds) copies.push(this.#addon.dupFd(fd));
    } catch (error) {
      for (const fd of copies) this.#addon.closeFd(fd);
      this.#end((error as Error).message);
      return;
    }
    this.#unsent.push({ bytes: Uint8Array.from(bytes), fds: copies });
    this.#poller.update(this.#addon.constants.READABLE | this.#addon.constants.WRITABLE);
  }

  #ready(events: number): void {
    if (events & this.#addon.constants.WRITABLE) this.#flush();
    if (this.#open && events & this.#addon.constants.READABLE) this.#receive();
  }

  #flush(): void {
    while (this.#open && this.#unsent.length > 0) {
      const { bytes, fds } = this.#unsent[0]!;
      if (!this.#trySend(bytes, fds)) return;
      if (!this.#open) return;
      this.#unsent.shift();
      for (const fd of fds) this.#addon.closeFd(fd);
    }
    if (this.#open) this.#poller.update(this.#addon.constants.READABLE);
  }

  #receive(): void {
    for (let count = 0; this.#open && count < MESSAGES_AT_ONCE; count++) {
      let message: ReceivedMessage | null;
      try {
        message = this.#addon.receiveMessage(this.#fd, this.#buffer, this.#maxFds);
      } catch (error) {
        this.#end((error as Error).message);
        return;
      }
      if (message === null) return;
      const { bytes, fds, truncated, fdsTruncated } = message;
      if (truncated || bytes === 0) {
        for (const fd of fds) this.#addon.closeFd(fd);
        this.#end(truncated ? 'it sent a message that is too long' : 'it closed its channel');
        return;
      }
      this.#handlers.message(this.#buffer.subarray(0, bytes), fds, fdsTruncated);
    }
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#handlers.closed(reason);
  }
}
