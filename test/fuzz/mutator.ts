/** Makes inputs out of inputs, the same ones for the same seed. */

/** Values at which parsers break. */
const EDGES = [
  0, 1, 2, 4, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];

/** Largest input made. */
export const MAX_INPUT = 1 << 20;

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer in [0, limit): xorshift32. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return limit <= 0 ? 0 : this.#state % limit;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** A new input from one of `corpus`, with 1 to 8 changes. */
  next(corpus: readonly Uint8Array[]): Uint8Array {
    let bytes = Uint8Array.from(this.pick(corpus) ?? []);
    for (let i = 1 + this.below(8); i > 0; i--) bytes = this.#change(bytes, corpus);
    return bytes.subarray(0, MAX_INPUT);
  }

  #change(bytes: Uint8Array<ArrayBuffer>, corpus: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const at = this.below(bytes.length + 1);
    switch (this.below(9)) {
      case 0: // flip a bit
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << this.below(8));
        return bytes;
      case 1: // any byte
        if (at < bytes.length) bytes[at] = this.below(256);
        return bytes;
      case 2: // an edge, in 1, 2, 4 or 8 bytes
      case 3:
        return this.#write(bytes, at, this.pick(EDGES) ?? 0);
      case 4: // a small step
        if (at < bytes.length) bytes[at] = bytes[at]! + this.pick([-1, 1, -8, 8])!;
        return bytes;
      case 5: // cut the end off
        return bytes.slice(0, at);
      case 6: // leave a part out
        return join(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + this.below(16))));
      case 7: // put a part in once more
        return join(bytes.subarray(0, at), this.#part(bytes), bytes.subarray(at));
      default: // put a part of another input over it
        return this.#over(bytes, at, this.#part(this.pick(corpus) ?? bytes));
    }
  }

  #part(bytes: Uint8Array): Uint8Array {
    const from = this.below(bytes.length);
    return bytes.subarray(from, from + 1 + this.below(64));
  }

  #over(bytes: Uint8Array<ArrayBuffer>, at: number, part: Uint8Array): Uint8Array<ArrayBuffer> {
    bytes.set(part.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
    return bytes;
  }

  #write(bytes: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
    const size = this.pick([1, 2, 4, 8])!;
    const little = new Uint8Array(8);
    new DataView(little.buffer).setUint32(0, value, true);
    if (value === 0xffffffff) little.fill(0xff);
    return this.#over(bytes, at, little.subarray(0, size));
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
