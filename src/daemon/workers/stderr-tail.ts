/** The last words of a child that must not write to the daemon's own output. */
import { readSync } from 'node:fs';
import { loadAddon, type Poller } from '../../platform/addon.js';

const KEPT = 1024;

export class StderrTail {
  readonly #addon = loadAddon();
  /** The child's end; the caller closes it after the child was started. */
  readonly childFd: number;
  readonly #fd: number;
  readonly #poller: Poller;
  #text = Buffer.alloc(0);
  #open = true;

  constructor() {
    [this.#fd, this.childFd] = this.#addon.pipe();
    this.#addon.setNonBlocking(this.#fd, true);
    this.#poller = this.#addon.poll(this.#fd, this.#addon.constants.READABLE, () => this.#read());
    this.#poller.unref();
  }

  /** Ends the watch and gives what came last, on one line; empty when nothing did. */
  finish(): string {
    this.#read();
    this.#close();
    return this.#text
      .toString('utf8')
      .trim()
      .replace(/\s*\n\s*/g, ' | ');
  }

  #read(): void {
    const chunk = Buffer.alloc(4096);
    // A child that writes without end is read a little at a time.
    for (let count = 0; this.#open && count < 16; count++) {
      let length: number;
      try {
        length = readSync(this.#fd, chunk);
      } catch {
        return;
      }
      if (length === 0) {
        this.#close();
        return;
      }
      this.#text = Buffer.concat([this.#text, chunk.subarray(0, length)]).subarray(-KEPT);
    }
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.close();
    this.#addon.closeFd(this.#fd);
  }
}
