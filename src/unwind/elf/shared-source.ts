/** A file's bytes behind a descriptor that may be replaced. */
import type { ByteSource } from '../../bytes/byte-source.js';

const NONE = new Uint8Array(0);

/**
 * A source whose bytes come from a target that changes: what was compiled from a file outlives the descriptor that it
 * was read through, and reads on through the next one.
 */
export class SharedSource implements ByteSource {
  readonly size: number;
  #target: ByteSource | null;

  constructor(target: ByteSource) {
    this.size = target.size;
    this.#target = target;
  }

  attach(target: ByteSource): void {
    this.#target = target;
  }

  /** Until the next `attach`, nothing can be read. */
  detach(): void {
    this.#target = null;
  }

  bytes(offset: number, length: number): Uint8Array {
    return this.#target === null ? NONE : this.#target.bytes(offset, length);
  }
}
