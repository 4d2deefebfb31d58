/** A moment on the monotonic clock by which something must be over. */
export class Deadline {
  readonly #end: number;

  /** `milliseconds` from now. */
  constructor(milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /** Milliseconds left, 0 when it has passed; at most `atMost`. */
  remaining(atMost = Number.POSITIVE_INFINITY): number {
    return Math.max(0, Math.min(atMost, this.#end - performance.now()));
  }

  get passed(): boolean {
    return performance.now() >= this.#end;
  }
}
