/** Times the steps of a job; workers report them to the daemon, whose log shows them. */
export class StepTimer {
  /** Whole microseconds by step. */
  readonly micros: Record<string, number> = {};
  #last = performance.now();

  /** What passed since the last lap belongs to `step`. */
  lap(step: string): void {
    const now = performance.now();
    this.micros[step] = Math.round((this.micros[step] ?? 0) + (now - this.#last) * 1000);
    this.#last = now;
  }
}
