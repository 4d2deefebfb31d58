/**
 * How long a text may become. What a process has decides how many threads, frames and mappings there are and how long
 * their names are: without a bound its tombstone could be larger than any file that the engraver may write, and there
 * would be none. The sizes are documented in docs/tombstone.md.
 */

const MIB = 1024 * 1024;

/** The memory map, bytes. */
export const MAP_BYTES = 4 * MIB;
/** The stack block of the crashed thread, bytes. Everything else of this thread is whole. */
export const STACK_BYTES = 8 * MIB;
/** All other threads together, bytes. Each has an equal part of what those before it have left. */
export const SIBLINGS_BYTES = 16 * MIB;
/** The least part of a thread, bytes: its registers and some frames. */
export const LEAST_THREAD_BYTES = 2048;

/** Lines that are taken while there is room for them. */
export class TextRoom {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Bytes; below 0 when lines were taken that had to be. */
  get left(): number {
    return this.#left;
  }

  /** Whether the line, with its newline, fits; its bytes are taken then. */
  fits(line: string): boolean {
    const bytes = Buffer.byteLength(line) + 1;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Takes the bytes of lines that are printed in any case. */
  spend(lines: readonly string[]): void {
    for (const line of lines) this.#left -= Buffer.byteLength(line) + 1;
  }
}

/** `    (3 more frames are left out)`: what stands for the rest of a list. */
export function leftOut(count: number, one: string, many = `${one}s`): string {
  return `    (${count} more ${count === 1 ? `${one} is` : `${many} are`} left out)`;
}
