/** One step by DWARF call frame information. */
import type { Arch } from '../../arch/arch.js';
import type { WordMemory } from '../../bytes/word-memory.js';
import type { CfiTable } from '../../objects/dwarf/cfi-table.js';
import { BROKEN_RULE, NO_RULE } from '../../objects/dwarf/cfi-table.js';
import { Cursor } from '../../objects/dwarf/cursor.js';
import { DwarfError } from '../../objects/dwarf/dwarf-error.js';
import { evaluate } from '../../objects/dwarf/expression.js';
import type { RegisterMap } from '../../objects/dwarf/register-map.js';
import {
  CFA_REGISTER,
  FLAG_OUTERMOST,
  FLAG_SIGNAL,
  FLAG_SIGNED,
  RULE_ENTRY,
  RULE_EXPRESSION,
  RULE_HEADER,
  RULE_OFFSET,
  RULE_REGISTER,
  RULE_SAME,
  RULE_UNDEFINED,
  RULE_VAL_OFFSET,
} from '../../objects/dwarf/rule-pool.js';
import { CFI } from '../frame.js';
import type { RegisterState } from '../registers.js';
import { describeRule } from './describe-rule.js';
import { FAILED, FINISHED, NOT_COVERED, STEPPED, type Stepper, type StepStatus } from './stepper.js';

const TWO32 = 0x100000000;
const HIGH_LIMIT = 0x200000;
const UNKNOWN = 'unknown register';
const NO_MEMORY = 'no memory';

/** Unwinds by the rules of one .eh_frame or .debug_frame. A step over plain rules allocates nothing. */
export class CfiStepper implements Stepper {
  readonly table: CfiTable;
  readonly trust = CFI;
  readonly refused = false;
  /** Why the last step failed, for an explanation. */
  error = '';
  readonly #registers: RegisterMap;
  readonly #cursor: Cursor;
  readonly #old: Uint32Array;
  #state: RegisterState | null = null;
  readonly #isKnown = (register: number): boolean => this.#state?.isKnown(register) ?? false;
  /** Result of the last sum, load or expression. */
  #low = 0;
  #high = 0;

  constructor(table: CfiTable, registers: RegisterMap) {
    this.table = table;
    this.#registers = registers;
    this.#cursor = new Cursor(table.section.bytes);
    this.#old = new Uint32Array(2 * registers.count);
  }

  step(pc: number, registers: RegisterState, memory: WordMemory): StepStatus {
    const at = this.table.find(pc);
    if (at === NO_RULE) return NOT_COVERED;
    this.#arch = registers.arch;
    if (at === BROKEN_RULE) return this.#fail('its frame description is broken');
    const rule = this.table.pool.words;
    const flags = rule[at + 4]!;
    registers.signalFrame = (flags & FLAG_SIGNAL) !== 0;
    const wide = registers.arch.wordSize === 8;
    const words = registers.words;
    const old = this.#old;
    old.set(words);
    const a = rule[at + 1]!;
    const b = rule[at + 2]!;
    if (rule[at] === CFA_REGISTER) {
      if (!registers.isKnown(a)) return this.#unknown(a);
      this.#add(old[2 * a]!, old[2 * a + 1]!, b, wide);
    } else if (!this.#expression(a, b, old, memory, registers, false)) return FAILED;
    const cfaLow = this.#low;
    const cfaHigh = this.#high;
    registers.dexPc = 0;
    // What a rule does not name is the callee's, but for the registers that every function keeps.
    const { kept } = registers;
    let known = registers.known & kept.known;
    let knownAbove = registers.knownAbove & kept.knownAbove;
    const end = at + RULE_HEADER + RULE_ENTRY * rule[at + 5]!;
    for (let entry = at + RULE_HEADER; entry < end; entry += RULE_ENTRY) {
      const register = rule[entry]!;
      const operand = rule[entry + 2]!;
      const bit = 1 << register;
      if (register < 32) known |= bit;
      else knownAbove |= bit;
      switch (rule[entry + 1]) {
        case RULE_OFFSET:
          this.#add(cfaLow, cfaHigh, operand, wide);
          if (!this.#load(memory, wide)) return FAILED;
          break;
        case RULE_VAL_OFFSET:
          this.#add(cfaLow, cfaHigh, operand, wide);
          break;
        case RULE_REGISTER:
          this.#low = old[2 * operand]!;
          this.#high = old[2 * operand + 1]!;
          if (registers.isKnown(operand)) break;
          if (register < 32) known &= ~bit;
          else knownAbove &= ~bit;
          break;
        case RULE_SAME:
          if (registers.isKnown(register)) continue;
          if (register < 32) known &= ~bit;
          else knownAbove &= ~bit;
          continue;
        case RULE_UNDEFINED:
          if (register < 32) known &= ~bit;
          else knownAbove &= ~bit;
          continue;
        default: {
          // DWARF 4 §6.4.2.3: a register's expression finds the CFA on the stack.
          const initial = (BigInt(cfaHigh) << 32n) | BigInt(cfaLow);
          const place = rule[entry + 1] === RULE_EXPRESSION;
          if (!this.#expression(operand, rule[entry + 3]!, old, memory, registers, !place, initial)) return FAILED;
          if (place && !this.#load(memory, wide)) return FAILED;
        }
      }
      words[2 * register] = this.#low;
      words[2 * register + 1] = this.#high;
    }
    const returnColumn = rule[at + 3]!;
    if ((flags & FLAG_OUTERMOST) === 0) {
      // A return address that no rule names is still in its register.
      const bit = 1 << returnColumn;
      const named = ((returnColumn < 32 ? known : knownAbove) & bit) !== 0;
      if (!named && (isNamed(rule, at, returnColumn) || !registers.isKnown(returnColumn))) {
        return this.#unknown(returnColumn);
      }
    }
    registers.known = known;
    registers.knownAbove = knownAbove;
    return this.#finish(returnColumn, flags, cfaLow, cfaHigh, registers);
  }

  #finish(returnColumn: number, flags: number, cfaLow: number, cfaHigh: number, registers: RegisterState): StepStatus {
    const words = registers.words;
    const { pc, sp } = registers.arch;
    registers.setKnown(pc);
    registers.setKnown(sp);
    registers.returnAddressSigned = (flags & FLAG_SIGNED) !== 0;
    let low = words[2 * returnColumn]!;
    let high = words[2 * returnColumn + 1]!;
    if ((flags & FLAG_OUTERMOST) !== 0) {
      low = 0;
      high = 0;
    } else if (registers.returnAddressSigned) {
      low = (low & ~registers.pacMaskLow) >>> 0;
      high = (high & ~registers.pacMaskHigh) >>> 0;
    }
    words[2 * pc] = low;
    words[2 * pc + 1] = high;
    words[2 * sp] = cfaLow;
    words[2 * sp + 1] = cfaHigh;
    // A null pc ends the stack, but not behind a signal frame: there it is a call through a null pointer.
    return low === 0 && high === 0 && (flags & FLAG_SIGNAL) === 0 ? FINISHED : STEPPED;
  }

  /** A word plus a signed 32-bit offset, wrapped as the CPU does. */
  #add(low: number, high: number, offset: number, wide: boolean): void {
    const sum = low + (offset >>> 0);
    this.#low = sum >>> 0;
    this.#high = wide ? (high + (sum >= TWO32 ? 1 : 0) + (offset < 0 ? 0xffffffff : 0)) >>> 0 : 0;
  }

  /** Replaces the address by the word that lies there. */
  #load(memory: WordMemory, wide: boolean): boolean {
    const address = this.#high * TWO32 + this.#low;
    if (this.#high >= HIGH_LIMIT || !(wide ? memory.word64(address) : memory.word32(address))) {
      this.error = NO_MEMORY;
      this.#errorLow = this.#low;
      this.#errorHigh = this.#high;
      return false;
    }
    this.#low = memory.lo;
    this.#high = memory.hi;
    return true;
  }

  #needed = 0;
  #arch: Arch | null = null;
  #errorLow = 0;
  #errorHigh = 0;

  get missing(): number {
    return this.error === NO_MEMORY ? this.#errorHigh * TWO32 + this.#errorLow : -1;
  }

  get byteLength(): number {
    return this.table.byteLength;
  }

  covers(pc: number): boolean {
    return this.table.find(pc) >= 0;
  }

  /** Frame descriptions begin where functions do, but not each function has one. */
  functionBound(): number {
    return 0;
  }

  describe(pc: number, arch: Arch): string {
    const rule = this.table.find(pc);
    return rule < 0 ? '' : describeRule(this.table, rule, arch);
  }

  /** The last error as text; made only when somebody asks. */
  get errorText(): string {
    if (this.error === UNKNOWN)
      return `its rule needs ${this.#arch?.registers[this.#needed]?.name}, which is not known`;
    if (this.error !== NO_MEMORY) return this.error;
    return `no memory at 0x${((BigInt(this.#errorHigh) << 32n) | BigInt(this.#errorLow)).toString(16)}`;
  }

  #expression(
    position: number,
    size: number,
    old: Uint32Array,
    memory: WordMemory,
    registers: RegisterState,
    markDex: boolean,
    initial: bigint | null = null,
  ): boolean {
    const wordSize = registers.arch.wordSize;
    if (this.#registerOffset(position, size, old, registers)) return true;
    const context = { wordSize, registers: this.#registers, words: old, memory, isKnown: this.#isKnown };
    this.#state = registers;
    const result = evaluate(this.#cursor, position, position + size, context, initial);
    if (result instanceof DwarfError) {
      this.error = result.message;
      return false;
    }
    this.#low = Number(result.value & 0xffffffffn);
    this.#high = Number(result.value >> 32n);
    if (markDex && result.dexPc) registers.dexPc = Number(result.value);
    return true;
  }

  /** The commonest expression, DW_OP_bregN offset and nothing else, without BigInts. */
  #registerOffset(position: number, size: number, old: Uint32Array, registers: RegisterState): boolean {
    const cursor = this.#cursor;
    cursor.range(position, position + size);
    const op = cursor.u8();
    if (op < 0x70 || op > 0x8f) return false;
    const offset = cursor.sleb();
    const register = this.#registers.indexOf(op - 0x70);
    if (cursor.failed || cursor.remaining > 0 || register < 0 || offset !== (offset | 0)) return false;
    if (!registers.isKnown(register)) return false;
    this.#add(old[2 * register]!, old[2 * register + 1]!, offset, registers.arch.wordSize === 8);
    return true;
  }

  #unknown(register: number): StepStatus {
    this.#needed = register;
    return this.#fail(UNKNOWN);
  }

  #fail(error: string): StepStatus {
    this.error = error;
    return FAILED;
  }
}

/** Whether the rule at `at` says anything of a register. */
function isNamed(rule: Int32Array, at: number, register: number): boolean {
  const end = at + RULE_HEADER + RULE_ENTRY * rule[at + 5]!;
  for (let entry = at + RULE_HEADER; entry < end; entry += RULE_ENTRY) if (rule[entry] === register) return true;
  return false;
}
