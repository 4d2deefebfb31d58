/** Refusals in the log: the first few of each second, then their number, so that a flood of requests is no flood of lines. */
import type { Log } from './log.js';

const LINES_A_SECOND = 10;

export class RefusalLog {
  readonly #log: Log;
  readonly #now: () => number;
  #second = -1;
  #written = 0;
  #left = 0;

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  write(line: string): void {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.flush();
      this.#second = second;
      this.#written = 0;
    }
    if (this.#written++ < LINES_A_SECOND) this.#log.warn(line);
    else this.#left++;
  }

  /** Says how many were left out. */
  flush(): void {
    if (this.#left > 0) this.#log.warn(`${this.#left} more requests were refused`);
    this.#left = 0;
  }
}
