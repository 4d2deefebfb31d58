/** The row of a CFI table while its instructions run. */
import {
  FLAG_OUTERMOST,
  FLAG_SIGNAL,
  FLAG_SIGNED,
  RULE_ENTRY,
  RULE_HEADER,
  RULE_SAME,
  RULE_UNDEFINED,
  type RulePool,
} from './rule-pool.js';

/** Kind of a register that the row does not name. */
const UNNAMED = 0xff;

/** The row of the CFI table that is being built: the CFA's rule and one rule per register. */
export class RowState {
  /** CFA_REGISTER, CFA_EXPRESSION, or -1 before it is defined. */
  cfaKind = -1;
  cfaA = 0;
  cfaB = 0;
  /** arm64: the return address is signed here. */
  signed = false;
  readonly #kinds: Uint8Array;
  readonly #a: Int32Array;
  readonly #b: Int32Array;

  constructor(registers: number) {
    this.#kinds = new Uint8Array(registers).fill(UNNAMED);
    this.#a = new Int32Array(registers);
    this.#b = new Int32Array(registers);
  }

  reset(): void {
    this.cfaKind = -1;
    this.signed = false;
    this.#kinds.fill(UNNAMED);
  }

  copyFrom(other: RowState): void {
    this.cfaKind = other.cfaKind;
    this.cfaA = other.cfaA;
    this.cfaB = other.cfaB;
    this.signed = other.signed;
    this.#kinds.set(other.#kinds);
    this.#a.set(other.#a);
    this.#b.set(other.#b);
  }

  clone(): RowState {
    const copy = new RowState(this.#kinds.length);
    copy.copyFrom(this);
    return copy;
  }

  setCfa(kind: number, a: number, b: number): void {
    this.cfaKind = kind;
    this.cfaA = a;
    this.cfaB = b;
  }

  set(register: number, kind: number, a: number, b: number): void {
    if (register < 0) return;
    this.#kinds[register] = kind;
    this.#a[register] = a;
    this.#b[register] = b;
  }

  same(register: number): void {
    if (register >= 0) this.#kinds[register] = RULE_SAME;
  }

  /** Gives a register the rule that it has in `other`. */
  restore(register: number, other: RowState): void {
    if (register < 0) return;
    this.#kinds[register] = other.#kinds[register]!;
    this.#a[register] = other.#a[register]!;
    this.#b[register] = other.#b[register]!;
  }

  /** Interns the row; -1 when it has no CFA or the pool is full. `scratch` has room for every register. */
  intern(pool: RulePool, scratch: Int32Array, returnColumn: number, signalFrame: boolean): number {
    if (this.cfaKind < 0) return -1;
    let count = 0;
    let at = RULE_HEADER;
    for (let i = 0; i < this.#kinds.length; i++) {
      const kind = this.#kinds[i]!;
      if (kind === UNNAMED) continue;
      const plain = kind === RULE_UNDEFINED || kind === RULE_SAME;
      scratch[at] = i;
      scratch[at + 1] = kind;
      scratch[at + 2] = plain ? 0 : this.#a[i]!;
      scratch[at + 3] = plain ? 0 : this.#b[i]!;
      at += RULE_ENTRY;
      count++;
    }
    scratch[0] = this.cfaKind;
    scratch[1] = this.cfaA;
    scratch[2] = this.cfaB;
    scratch[3] = returnColumn;
    scratch[4] =
      (signalFrame ? FLAG_SIGNAL : 0) |
      (this.signed ? FLAG_SIGNED : 0) |
      (this.#kinds[returnColumn] === RULE_UNDEFINED ? FLAG_OUTERMOST : 0);
    scratch[5] = count;
    return pool.intern(scratch, at);
  }
}
