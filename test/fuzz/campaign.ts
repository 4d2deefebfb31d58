import { Mutator } from './mutator.js';

/**
 * A module below targets/. `target` gets any bytes: what it throws is a bug. It may return a word for what it did; an
 * input that makes it say something new is kept to build upon.
 */
export interface FuzzTarget {
  readonly target: (bytes: Uint8Array) => unknown;
  /** Valid inputs to begin with, beside the corpus. */
  readonly seeds?: () => readonly Uint8Array[];
  /** Run once before the first input. */
  readonly prepare?: () => Promise<void>;
}

export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Inputs kept at most for their new words. */
const MAX_KEPT = 2000;

/** Feeds a target with mutated inputs. */
export class Campaign {
  readonly #target: FuzzTarget;
  readonly #mutator: Mutator;
  readonly #corpus: Uint8Array[];
  readonly #words = new Set<string>();
  inputs = 0;

  constructor(target: FuzzTarget, corpus: readonly Uint8Array[], seed: number) {
    this.#target = target;
    this.#mutator = new Mutator(seed);
    this.#corpus = [...corpus, ...(target.seeds?.() ?? [])];
    if (this.#corpus.length === 0) this.#corpus.push(new Uint8Array(64));
  }

  /** Inputs to begin with. */
  get corpus(): readonly Uint8Array[] {
    return this.#corpus;
  }

  /** Different words that the target has said. */
  get words(): number {
    return this.#words.size;
  }

  /** The next input. */
  next(): Uint8Array {
    return this.#mutator.next(this.#corpus);
  }

  /** Runs one input; returns what it threw, wrapped, else null. */
  run(input: Uint8Array): Finding | null {
    this.inputs++;
    try {
      const word = this.#target.target(Uint8Array.from(input));
      if (typeof word === 'string' && !this.#words.has(word) && this.#words.size < MAX_KEPT) {
        this.#words.add(word);
        this.#corpus.push(input);
      }
      return null;
    } catch (error) {
      return { input, error };
    }
  }
}
