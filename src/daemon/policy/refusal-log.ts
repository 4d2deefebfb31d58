/**
 * Lines that others cause in the log: of each user the first few of a second, then their number, so that a flood of
 * requests is no flood of lines, and hides no line of another user.
 */
import type { Log, LogFields } from '../log.js';

const LINES_A_PERIOD = 10;
const PERIOD_MS = 1000;
/** Users with lines of their own in one period; the rest of them share. */
const MAX_USERS = 64;

/** Root's lines are never left out. */
export class RefusalLog {
  readonly #log: Pick<Log, 'warn'>;
  readonly #outcome: string;
  #period: NodeJS.Timeout | undefined;
  /** By user; null: of nobody known. */
  readonly #written = new Map<number | null, number>();

  /** `outcome`: what became of the requests, for the line with their number. */
  constructor(log: Pick<Log, 'warn'>, outcome = 'were refused') {
    this.#log = log;
    this.#outcome = outcome;
  }

  /** `uid`: who caused the line. `say`: how it is written; default a warning. */
  write(line: string, uid: number | null = null, say: LineWriter = (text) => this.#log.warn(text), fields?: LogFields) {
    if (this.#period === undefined) {
      this.#period = setTimeout(() => this.flush(), PERIOD_MS);
      this.#period.unref();
    }
    const key = this.#written.has(uid) || this.#written.size < MAX_USERS ? uid : null;
    const written = (this.#written.get(key) ?? 0) + 1;
    this.#written.set(key, written);
    if (uid === 0 || written <= LINES_A_PERIOD) say(line, fields);
  }

  /** Says how many were left out, and begins anew. */
  flush(): void {
    clearTimeout(this.#period);
    this.#period = undefined;
    for (const [uid, written] of this.#written) {
      const left = written - LINES_A_PERIOD;
      if (uid === 0 || left <= 0) continue;
      this.#log.warn(`${left} more requests ${uid === null ? '' : `of uid ${uid} `}${this.#outcome}`);
    }
    this.#written.clear();
  }
}

type LineWriter = (line: string, fields?: LogFields) => void;
