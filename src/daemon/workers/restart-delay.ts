/**
 * Pauses between attempts to start what does not start: 100 ms, doubled each time, at most 5 s; back to the first after
 * a success.
 */
export class RestartDelay {
  static readonly first = 100;
  static readonly longest = 5000;
  #ms = RestartDelay.first;

  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, RestartDelay.longest);
    return ms;
  }

  succeeded(): void {
    this.#ms = RestartDelay.first;
  }
}
