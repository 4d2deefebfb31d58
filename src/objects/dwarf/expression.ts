/**
 * DWARF expressions as call frame information uses them. Sources: DWARF 4 §2.5 and §7.7, §6.4.2 for what CFI forbids.
 *
 * Values are words of the CPU, kept as unsigned BigInts: expressions are rare (PLT stubs, signal frames, interpreters),
 * and the one that is not (a single DW_OP_breg) needs no evaluation here.
 */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { Cursor } from './cursor.js';
import { DwarfError } from './dwarf-error.js';
import type { RegisterMap } from './register-map.js';

/** Operations executed at most: DW_OP_bra and DW_OP_skip go backwards. */
const MAX_OPERATIONS = 1000;
const MAX_DEPTH = 256;

/** Android's interpreters mark a dex pc by this constant, dropped right away. */
const DEX_MARK = 0x31584544n;

export interface ExpressionContext {
  readonly wordSize: 4 | 8;
  readonly registers: RegisterMap;
  /** Registers of the frame: low and high word each. */
  readonly words: Uint32Array;
  readonly memory: WordMemory;
  /** Whether the register with this index has a value in the frame. */
  readonly isKnown: (register: number) => boolean;
}

/** A value, and whether it is marked as a dex pc. */
export interface ExpressionValue {
  readonly value: bigint;
  readonly dexPc: boolean;
}

/**
 * Evaluates the expression between two positions of a section.
 *
 * @param initial what is on the stack at the start (the CFA, for register rules); null: nothing
 */
export function evaluate(
  cursor: Cursor,
  from: number,
  to: number,
  context: ExpressionContext,
  initial: bigint | null,
): ExpressionValue | DwarfError {
  cursor.range(from, to);
  const machine = new Machine(context);
  if (initial !== null) machine.push(initial);
  for (let count = 0; cursor.remaining > 0; count++) {
    if (count === MAX_OPERATIONS) return new DwarfError('expression: too many operations');
    const at = cursor.at - from;
    const op = cursor.u8();
    if (op === DW_OP_stack_value) break;
    const bad = machine.execute(op, cursor, from);
    if (bad !== '' || cursor.failed)
      return new DwarfError(`expression: operation 0x${op.toString(16)} at ${at}: ${bad || 'cut off'}`);
  }
  const value = machine.top();
  return value === null ? new DwarfError('expression: it leaves nothing') : { value, dexPc: machine.dexPc };
}

const DW_OP_stack_value = 0x9f;

class Machine {
  dexPc = false;
  readonly #context: ExpressionContext;
  readonly #bits: number;
  readonly #stack: bigint[] = [];

  constructor(context: ExpressionContext) {
    this.#context = context;
    this.#bits = context.wordSize * 8;
  }

  push(value: bigint): string {
    if (this.#stack.length === MAX_DEPTH) return 'stack too deep';
    this.#stack.push(BigInt.asUintN(this.#bits, value));
    return '';
  }

  top(): bigint | null {
    return this.#stack.at(-1) ?? null;
  }

  /** Executes one operation whose code was read. Returns what is wrong, or ''. */
  execute(op: number, cursor: Cursor, start: number): string {
    if (op >= 0x30 && op <= 0x4f) return this.push(BigInt(op - 0x30));
    if (op >= 0x70 && op <= 0x8f) return this.#register(op - 0x70, cursor.bigLeb(true));
    switch (op) {
      case 0x03:
        return this.push(this.#context.wordSize === 8 ? cursor.bigU64() : BigInt(cursor.u32()));
      case 0x06:
        return this.#deref(this.#context.wordSize);
      case 0x94:
        return this.#deref(cursor.u8());
      case 0x08:
        return this.push(BigInt(cursor.u8()));
      case 0x09:
        return this.push(BigInt(cursor.i8()));
      case 0x0a:
        return this.push(BigInt(cursor.u16()));
      case 0x0b:
        return this.push(BigInt(cursor.i16()));
      case 0x0c:
        return this.push(BigInt(cursor.u32()));
      case 0x0d:
        return this.push(BigInt(cursor.i32()));
      case 0x0e:
      case 0x0f:
        return this.push(cursor.bigU64());
      case 0x10:
        return this.push(cursor.bigLeb(false));
      case 0x11:
        return this.push(cursor.bigLeb(true));
      case 0x12:
        return this.#pick(0);
      case 0x13:
        return this.#drop();
      case 0x14:
        return this.#pick(1);
      case 0x15:
        return this.#pick(cursor.u8());
      case 0x16:
        return this.#rotate(2);
      case 0x17:
        return this.#rotate(3);
      case 0x19:
      case 0x1f:
      case 0x20:
        return this.#unary(op);
      case 0x23: {
        const operand = cursor.bigLeb(false);
        const value = this.#stack.pop();
        return value === undefined ? 'empty stack' : this.push(value + operand);
      }
      case 0x28: {
        const distance = cursor.i16();
        const condition = this.#stack.pop();
        if (condition === undefined) return 'empty stack';
        return condition === 0n ? '' : branch(cursor, start, distance);
      }
      case 0x2f:
        return branch(cursor, start, cursor.i16());
      case 0x92:
        return this.#register(cursor.uleb(), cursor.bigLeb(true));
      case 0x96:
        return '';
      default:
        return op >= 0x1a && op <= 0x2e ? this.#binary(op) : 'not usable in call frame information';
    }
  }

  #register(dwarf: number, offset: bigint): string {
    const index = this.#context.registers.indexOf(dwarf);
    if (index < 0) return `register ${dwarf} is not kept`;
    if (!this.#context.isKnown(index)) return `register ${dwarf} is not known`;
    const words = this.#context.words;
    return this.push(((BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!)) + offset);
  }

  #deref(size: number): string {
    const address = this.#stack.pop();
    if (address === undefined) return 'empty stack';
    if (size < 1 || size > this.#context.wordSize) return `${size} bytes`;
    const memory = this.#context.memory;
    if (address > BigInt(Number.MAX_SAFE_INTEGER) || !memory.value(Number(address), size)) {
      return `no memory at 0x${address.toString(16)}`;
    }
    return this.push((BigInt(memory.hi) << 32n) | BigInt(memory.lo));
  }

  #pick(depth: number): string {
    const value = this.#stack[this.#stack.length - 1 - depth];
    return value === undefined ? 'empty stack' : this.push(value);
  }

  #drop(): string {
    const value = this.#stack.pop();
    if (value === undefined) return 'empty stack';
    if (value === DEX_MARK) this.dexPc = true;
    return '';
  }

  /** The top goes below the `count - 1` entries under it. */
  #rotate(count: number): string {
    const stack = this.#stack;
    if (stack.length < count) return 'empty stack';
    const value = stack.pop();
    if (value !== undefined) stack.splice(stack.length - count + 1, 0, value);
    return '';
  }

  #signed(value: bigint): bigint {
    return BigInt.asIntN(this.#bits, value);
  }

  #unary(op: number): string {
    const value = this.#stack.pop();
    if (value === undefined) return 'empty stack';
    if (op === 0x20) return this.push(~value);
    const signed = this.#signed(value);
    return this.push(op === 0x1f || signed < 0n ? -signed : signed);
  }

  #binary(op: number): string {
    const right = this.#stack.pop();
    const left = this.#stack.pop();
    if (left === undefined || right === undefined) return 'empty stack';
    switch (op) {
      case 0x1a:
        return this.push(left & right);
      case 0x1b:
        return right === 0n ? 'division by zero' : this.push(this.#signed(left) / this.#signed(right));
      case 0x1c:
        return this.push(left - right);
      case 0x1d:
        return right === 0n ? 'division by zero' : this.push(left % right);
      case 0x1e:
        return this.push(left * right);
      case 0x21:
        return this.push(left | right);
      case 0x22:
        return this.push(left + right);
      case 0x24:
        return this.push(right >= BigInt(this.#bits) ? 0n : left << right);
      case 0x25:
        return this.push(right >= BigInt(this.#bits) ? 0n : left >> right);
      case 0x26:
        return this.push(this.#signed(left) >> (right >= BigInt(this.#bits) ? BigInt(this.#bits) : right));
      case 0x27:
        return this.push(left ^ right);
      default:
        return this.#compare(op, this.#signed(left), this.#signed(right));
    }
  }

  #compare(op: number, left: bigint, right: bigint): string {
    const results: Readonly<Record<number, boolean>> = {
      41: left === right,
      42: left >= right,
      43: left > right,
      44: left <= right,
      45: left < right,
      46: left !== right,
    };
    const result = results[op];
    return result === undefined ? 'not usable in call frame information' : this.push(result ? 1n : 0n);
  }
}

/** Moves the cursor within the expression. */
function branch(cursor: Cursor, start: number, distance: number): string {
  const target = cursor.at + distance;
  if (cursor.failed || target < start || target > cursor.end) return 'branch out of the expression';
  cursor.at = target;
  return '';
}
