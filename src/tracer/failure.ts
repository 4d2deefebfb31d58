/** What ends a capture without a copy. The message is the reason that the daemon logs. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}

/** Something that could not be copied, and why; the copy goes on without it. */
export interface Loss {
  /** freeze, registers, stack, memory, files, ... */
  readonly step: string;
  readonly message: string;
}

/** Losses of one capture, bounded: a target of a thousand odd threads does not make a thousand lines. */
export class Losses {
  static readonly #MAX_PER_STEP = 32;
  readonly list: Loss[] = [];
  readonly #counts = new Map<string, number>();

  add(step: string, message: string): void {
    const count = (this.#counts.get(step) ?? 0) + 1;
    this.#counts.set(step, count);
    if (count <= Losses.#MAX_PER_STEP) this.list.push({ step, message: message.slice(0, 512) });
  }

  /** The list, with a line per step for those that were left out. */
  summary(): Loss[] {
    const all = [...this.list];
    for (const [step, count] of this.#counts) {
      const more = count - Losses.#MAX_PER_STEP;
      if (more > 0) all.push({ step, message: `and ${more} more` });
    }
    return all;
  }
}

/** `ENOENT` of an error that a system call threw; its message where it has no code. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message;
  return String(error);
}
