/** The steps of one request in the order in which they may come, and how long each took. */
export const STEPS = [
  'accepted',
  'policy',
  'connect',
  'capture',
  'engrave',
  'publish',
  'reply',
  'notify',
  'release',
  'done',
] as const;
export type Step = (typeof STEPS)[number];

/** Steps are skipped, never repeated or taken back. */
export class StepClock {
  readonly #now: () => number;
  readonly #started: number;
  #step: Step = 'accepted';
  #since: number;
  readonly #times: { readonly step: Step; readonly ms: number }[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#started = this.#since = now();
  }

  get step(): Step {
    return this.#step;
  }

  /** Throws where `next` does not come after the step that is under way: a mistake in the flow, not in its input. */
  enter(next: Step): void {
    if (STEPS.indexOf(next) <= STEPS.indexOf(this.#step)) throw new Error(`step ${next} cannot follow ${this.#step}`);
    const now = this.#now();
    this.#times.push({ step: this.#step, ms: now - this.#since });
    this.#step = next;
    this.#since = now;
  }

  /** `12.3 ms (policy 0.2, capture 3.1, ...)`, with the steps that took measurable time. */
  summary(): string {
    const total = this.#now() - this.#started;
    const parts = this.#times.filter(({ step, ms }) => step !== 'accepted' && ms >= 0.05);
    const list = parts.map(({ step, ms }) => `${step} ${ms.toFixed(1)}`).join(', ');
    return `${total.toFixed(1)} ms${list === '' ? '' : ` (${list})`}`;
  }
}
