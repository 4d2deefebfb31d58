/** The methods of one class of a dex file. */
import type { ByteSource } from '../../bytes/byte-source.js';

const CHUNK = 4096;
/** More members than a class can have: their indices are 16 bits wide. */
const MAX_MEMBERS = 1 << 16;

export interface DexMethod {
  /** In method_ids. */
  readonly index: number;
  /** Offset of its code_item; 0 when it has none (abstract, native). */
  readonly code: number;
}

/**
 * class_data_item of a dex file: uleb128 counts of static fields, instance fields, direct methods, virtual methods; per
 * field {index difference, access}; per method {index difference, access, code offset}.
 */
export class ClassData {
  readonly #source: ByteSource;
  readonly #budget: { left: number };
  #at: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkAt = 0;

  /** `budget` is shared by the classes of a file, which may all claim the same bytes: numbers that may be read yet. */
  constructor(source: ByteSource, offset: number, budget: { left: number }) {
    this.#source = source;
    this.#at = offset;
    this.#budget = budget;
  }

  /** The methods, up to where the data is broken. */
  *methods(): Generator<DexMethod> {
    const counts = [this.#uleb(), this.#uleb(), this.#uleb(), this.#uleb()] as const;
    if (counts.some((count) => count < 0 || count > MAX_MEMBERS)) return;
    for (let i = 0; i < 2 * (counts[0] + counts[1]); i++) if (this.#uleb() < 0) return;
    for (const count of [counts[2], counts[3]]) {
      let index = 0;
      for (let i = 0; i < count; i++) {
        const difference = this.#uleb();
        const access = this.#uleb();
        const code = this.#uleb();
        if (difference < 0 || access < 0 || code < 0) return;
        index += difference;
        yield { index, code };
      }
    }
  }

  /** A number of up to 32 bits; -1 at the end of the bytes or of the budget. */
  #uleb(): number {
    if (--this.#budget.left < 0) return -1;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      if (byte < 0) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }

  #byte(): number {
    if (this.#at - this.#chunkAt >= this.#chunk.length || this.#at < this.#chunkAt) {
      this.#chunkAt = this.#at;
      this.#chunk = this.#source.bytes(this.#at, CHUNK);
    }
    return this.#chunk[this.#at++ - this.#chunkAt] ?? -1;
  }
}
