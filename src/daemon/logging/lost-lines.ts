/** Counts the lines that an output did not take, and says how many there were as soon as it takes something again. */

/** The first try, and the longest pause: a reader may have gone for good, and the daemon stays for years. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export class LostLines<Line> {
  readonly #write: (line: Line) => boolean;
  readonly #notice: (count: number) => Line;
  #count = 0;
  #retry: NodeJS.Timeout | undefined;

  /** `notice` makes the line that says how many were lost. */
  constructor(write: (line: Line) => boolean, notice: (count: number) => Line) {
    this.#write = write;
    this.#notice = notice;
  }

  /** Writes a line, behind the number of those that were lost before it. */
  write(line: Line): void {
    this.#say();
    if (this.#count === 0 && this.#write(line)) return;
    this.#count++;
    if (this.#retry === undefined) this.#retryAfter(RETRY_MS);
  }

  /** The last chance to say it. */
  close(): void {
    this.#say();
    clearTimeout(this.#retry);
  }

  #retryAfter(pause: number): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#say();
      if (this.#count > 0) this.#retryAfter(Math.min(2 * pause, LONGEST_RETRY_MS));
    }, pause).unref();
  }

  #say(): void {
    if (this.#count === 0 || !this.#write(this.#notice(this.#count))) return;
    this.#count = 0;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}
