/**
 * The end of sockets that hold descriptors of strangers, unread. Whoever drops the last reference to such a descriptor
 * waits as long as its owner wants, so a child does: it inherits the sockets, the daemon closes its own, and then the
 * child exits. A process that exits does not linger on TCP sockets (PF_EXITING in inet_release); where something else
 * holds it up, nobody waits for it.
 *
 * Linux 6.16 and later refuse descriptors at the sender: there is nothing to do then.
 */
import { spawn } from 'node:child_process';
import { loadAddon } from '../../platform/addon.js';

/** One child takes what has come meanwhile: somebody who sends many such sockets costs no more processes. */
const PAUSE_MS = 500;
const AT_ONCE = 256;
/** Waits for the end of its standard input. */
const WAIT = "require('node:fs').readSync(0, Buffer.alloc(1))";

export class SocketDisposal {
  readonly #waiting: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #open = true;

  /** Sockets that are still open here. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Owns `fd` from here on. */
  add(fd: number): void {
    this.#waiting.push(fd);
    this.#later();
  }

  /** What waits still ends with this process. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  #later(): void {
    if (!this.#open || this.#timer !== undefined || this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#handOver();
      this.#later();
    }, PAUSE_MS);
    this.#timer.unref();
  }

  #handOver(): void {
    const fds = this.#waiting.slice(0, AT_ONCE);
    const child = spawn(process.execPath, ['-e', WAIT], { stdio: ['pipe', 'ignore', 'ignore', ...fds], env: {} });
    child.on('error', () => {});
    // No process could be made: they stay for the next attempt.
    if (child.pid === undefined) return;
    this.#waiting.splice(0, fds.length);
    for (const fd of fds) loadAddon().closeFd(fd);
    child.stdin?.on('error', () => {});
    child.stdin?.end();
    child.unref();
  }
}
