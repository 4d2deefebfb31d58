/** Refusals in the log: the first few of each second, then their number, so that a flood of requests is no flood of lines. */
import type { Log } from '../log.js';

const LINES_A_PERIOD = 10;
const PERIOD_MS = 1000;

export class RefusalLog {
  readonly #log: Pick<Log, 'warn'>;
  #period: NodeJS.Timeout | undefined;
  #written = 0;
  #left = 0;

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  write(line: string): void {
    if (this.#period === undefined) {
      this.#period = setTimeout(() => this.flush(), PERIOD_MS);
      this.#period.unref();
    }
    if (this.#written++ < LINES_A_PERIOD) this.#log.warn(line);
    else this.#left++;
  }

  /** Says how many were left out, and begins anew. */
  flush(): void {
    clearTimeout(this.#period);
    this.#period = undefined;
    if (this.#left > 0) this.#log.warn(`${this.#left} more requests were refused`);
    this.#written = this.#left = 0;
  }
}
