/** Counts the lines that an output did not take, and says how many there were as soon as it takes something again. */

const RETRY_MS = 1000;

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
    this.#retry ??= setInterval(() => this.#say(), RETRY_MS).unref();
  }

  /** The last chance to say it. */
  close(): void {
    this.#say();
    clearInterval(this.#retry);
  }

  #say(): void {
    if (this.#count === 0 || !this.#write(this.#notice(this.#count))) return;
    this.#count = 0;
    clearInterval(this.#retry);
    this.#retry = undefined;
  }
}
