/** The frames of one walk as numbers, before they are named. */
import type { CodeModule } from './module.js';

/** The frames of one stack as numbers, without names; reused from stack to stack. */
export class FrameBuffer {
  readonly capacity: number;
  count = 0;
  readonly pc: Float64Array;
  readonly sp: Float64Array;
  readonly relPc: Float64Array;
  /** Every bit of pc and sp as the registers had them: four words a frame, pc's low and high one, then sp's. */
  readonly words: Uint32Array;
  /** Address to name the frame by: relPc, or the absolute pc for code made at run time and dex pcs. */
  readonly lookup: Float64Array;
  /** Index of the mapping; -1 in none. */
  readonly mapping: Int32Array;
  /** Index in `TRUSTS`. */
  readonly trust: Uint8Array;
  /** The module that names the frame. */
  readonly module: (CodeModule | null)[];
  /** The registers that the frame knows; see `RegisterState.known`. */
  readonly known: Int32Array;
  readonly knownAbove: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.pc = new Float64Array(capacity);
    this.sp = new Float64Array(capacity);
    this.relPc = new Float64Array(capacity);
    this.words = new Uint32Array(4 * capacity);
    this.lookup = new Float64Array(capacity);
    this.mapping = new Int32Array(capacity);
    this.trust = new Uint8Array(capacity);
    this.module = new Array<CodeModule | null>(capacity).fill(null);
    this.known = new Int32Array(capacity);
    this.knownAbove = new Int32Array(capacity);
  }

  /** Index of the new frame; the caller has made sure that there is room. */
  push(
    pc: number,
    sp: number,
    relPc: number,
    lookup: number,
    mapping: number,
    module: CodeModule | null,
    trust: number,
  ): number {
    const i = this.count++;
    this.pc[i] = pc;
    this.sp[i] = sp;
    this.relPc[i] = relPc;
    this.lookup[i] = lookup;
    this.mapping[i] = mapping;
    this.module[i] = module;
    this.trust[i] = trust;
    return i;
  }

  /** Takes the frames [from, to) out. */
  leaveOut(from: number, to: number): void {
    const { count } = this;
    for (const list of [this.pc, this.sp, this.relPc, this.lookup, this.mapping, this.trust]) {
      list.copyWithin(from, to, count);
    }
    this.known.copyWithin(from, to, count);
    this.knownAbove.copyWithin(from, to, count);
    this.words.copyWithin(4 * from, 4 * to, 4 * count);
    for (let i = to; i < count; i++) this.module[from + i - to] = this.module[i] ?? null;
    this.count -= to - from;
  }
}
