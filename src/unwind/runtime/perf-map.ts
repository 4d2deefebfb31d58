/** Names of JIT code from perf's map file. */
import type { FunctionAt, SymbolSource } from '../../symbols/provider.js';
import { addressOrder } from '../../symbols/tables/address-order.js';

/** A file of more lines is cut: a JIT compiler appends as long as it runs. The last lines are the current ones. */
const MAX_LINES = 1 << 20;
const MAX_NAME = 1024;

/**
 * perf's map file of a process, `/tmp/perf-PID.map`: text lines `START SIZE name`, both hexadecimal, which JIT
 * compilers append to (Linux, tools/perf/Documentation/jit-interface.txt). An address that was used again has several
 * lines: the last one counts.
 */
export class PerfMap implements SymbolSource {
  readonly #text: Buffer;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** Where a line's name lies in the text. */
  readonly #names: Uint32Array;

  /** `bytes`: the whole file. Lines that are malformed are skipped; nothing throws. */
  constructor(bytes: Uint8Array) {
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const starts: number[] = [];
    const ends: number[] = [];
    const names: number[] = [];
    // From the last line on, so that of equal starts the latest comes first.
    for (let end = this.#text.length; end > 0 && starts.length < MAX_LINES; ) {
      const newline = this.#text.lastIndexOf(0x0a, end - 1);
      this.#line(newline + 1, end, (start, size, name) => {
        starts.push(start);
        ends.push(start + size);
        names.push(name);
      });
      end = newline;
    }
    const keys = Float64Array.from(starts);
    const order = addressOrder(keys).filter((at, i, all) => i === 0 || keys[at] !== keys[all[i - 1]!]);
    this.#starts = Float64Array.from(order, (at) => starts[at]!);
    this.#ends = Float64Array.from(order, (at) => ends[at]!);
    this.#names = Uint32Array.from(order, (at) => names[at]!);
  }

  /** Functions in the map. */
  get size(): number {
    return this.#starts.length;
  }

  functionAt(address: number): FunctionAt | null {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const found = low - 1;
    if (found < 0 || address >= this.#ends[found]!) return null;
    const from = this.#names[found]!;
    const newline = this.#text.indexOf(0x0a, from);
    const to = Math.min(newline < 0 ? this.#text.length : newline, from + MAX_NAME);
    return { name: this.#text.toString('utf8', from, to).trimEnd(), offset: address - this.#starts[found]! };
  }

  #line(from: number, to: number, add: (start: number, size: number, name: number) => void): void {
    // Two numbers of at most 16 digits, and what stands around them.
    const head = this.#text.toString('latin1', from, Math.min(to, from + 40));
    const match = /^(?:0x)?([0-9a-f]{1,16}) +(?:0x)?([0-9a-f]{1,16}) +(?=\S)/i.exec(head);
    if (match === null) return;
    const start = Number.parseInt(match[1]!, 16);
    const size = Number.parseInt(match[2]!, 16);
    if (size > 0 && Number.isSafeInteger(start + size)) add(start, size, from + match[0].length);
  }
}
