/** Unwinding of x86 and x86_64 code without tables, by reading the code. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { RegisterState } from '../registers.js';
import {
  ALIGN_SP,
  BP,
  BRANCH,
  BRANCH_IF,
  CALL,
  FROM_SP,
  JUMP,
  LANDING,
  LEAVE,
  LOAD,
  MOVE_SP,
  POP,
  PUSH,
  RETURN,
  SET_SP,
  SP,
  TRAP,
  X86Instruction,
} from './x86-instructions.js';

const TWO32 = 0x100000000;
/** Bytes of code looked at before and behind the pc. */
const REACH = 4096;
/** Instructions followed to find a way out of one frame, and of all frames of a stack. */
const MOST_INSTRUCTIONS = 1500;
const MOST_IN_STACK = 128 * 1024;
/** Branches not followed yet. */
const MOST_BRANCHES = 32;
const MAX_ADDRESS = Number.MAX_SAFE_INTEGER;

/** Index in `arch.registers` by the number in instructions. */
const INDICES: Readonly<Record<'x86' | 'x86_64', readonly number[]>> = {
  x86: [0, 1, 2, 3, 4, 5, 6, 7],
  x86_64: [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
};

/** The code around a frame. */
export interface X86FrameCode {
  /** Where the code begins that `bytes` has. */
  readonly first: number;
  /** `length` bytes at an address of the module (or an absolute one without a module); fewer where there are none. */
  bytes(address: number, length: number): Uint8Array;
  /** The frame's pc there; for a caller the return address. */
  readonly pc: number;
}

interface Way {
  pc: number;
  /** NaN where it is not known. */
  sp: number;
  /** By the number in instructions: low and high word each. */
  words: Uint32Array;
  /** The registers whose values are known, as a mask of these numbers. */
  known: number;
}

const GOES_ON = 0;
const ENDED = 1;
const RETURNED = 2;

/**
 * Unwinds frames of code that no table describes, by what the code itself does on its way to the function's return,
 * whatever way leads there: what the epilogue takes off the stack is what the frame has on it. So a leaf without a
 * frame, and a function that was interrupted in its prologue or epilogue, need no case of their own.
 *
 * The return address must satisfy `judge`. Functions that do not return have no such way.
 */
export class X86CodeStepper {
  readonly #instruction = new X86Instruction();
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;
  #wide = true;
  /** Instructions that may still be followed on this stack. */
  #left = MOST_IN_STACK;
  /** Below it nothing was saved yet when the frame was looked at. */
  #top = 0;

  /** Begins a new stack. */
  reset(): void {
    this.#left = MOST_IN_STACK;
  }

  /** @param registers the frame's in, the caller's out (unchanged when the result is false) */
  step(code: X86FrameCode, registers: RegisterState, memory: WordMemory, judge: (address: number) => boolean): boolean {
    const { arch } = registers;
    this.#wide = arch.wordSize === 8;
    this.#windowAt = Math.max(code.first, code.pc - REACH);
    this.#window = code.bytes(this.#windowAt, code.pc + REACH - this.#windowAt);
    if (this.#windowAt + this.#window.length <= code.pc) {
      // Of memory only what lies near the pc may have been copied.
      this.#windowAt = code.pc;
      this.#window = code.bytes(code.pc, REACH);
    }
    this.#top = registers.sp;
    const indices = INDICES[this.#wide ? 'x86_64' : 'x86'];
    const words = new Uint32Array(2 * indices.length);
    let known = 0;
    for (const [number, index] of indices.entries()) {
      words[2 * number] = registers.words[2 * index]!;
      words[2 * number + 1] = registers.words[2 * index + 1]!;
      if (registers.isKnown(index)) known |= 1 << number;
    }
    const ways: Way[] = [{ pc: code.pc, sp: registers.sp, words, known }];
    const seen = new Set<number>();
    let budget = Math.min(MOST_INSTRUCTIONS, this.#left);
    this.#left -= budget;
    for (let way = ways.pop(); way !== undefined && budget > 0; way = ways.pop()) {
      for (; budget > 0; budget--) {
        if (seen.has(way.pc)) break;
        seen.add(way.pc);
        const outcome = this.#follow(way, ways, memory, code.pc);
        if (outcome === GOES_ON) continue;
        if (outcome === RETURNED && this.#take(way, registers, memory, indices, judge)) {
          this.#left += budget;
          return true;
        }
        break;
      }
    }
    this.#left += Math.max(budget, 0);
    return false;
  }

  /** Does what the instruction at the way's pc does. */
  #follow(way: Way, ways: Way[], memory: WordMemory, start: number): typeof GOES_ON | typeof ENDED | typeof RETURNED {
    const instruction = this.#instruction;
    const index = way.pc - this.#windowAt;
    if (!(index >= 0 && index < this.#window.length)) return ENDED;
    instruction.decode(this.#window, index, this.#wide);
    const { op, size, value, register, base } = instruction;
    if (size === 0) return ENDED;
    const at = way.pc;
    const next = at + size;
    way.pc = next;
    const word = this.#wide ? 8 : 4;
    switch (op) {
      case MOVE_SP:
        way.sp += value;
        return GOES_ON;
      case PUSH:
        way.sp -= word;
        return GOES_ON;
      case POP:
        if (register === SP || Number.isNaN(way.sp)) return ENDED;
        if (register >= 0) this.#load(way, register, way.sp, memory);
        way.sp += word;
        return GOES_ON;
      case LEAVE: {
        const frame = wordOf(way, BP);
        if (Number.isNaN(frame)) return ENDED;
        this.#load(way, BP, frame, memory);
        way.sp = frame + word;
        return GOES_ON;
      }
      case SET_SP:
        way.sp = wordOf(way, register) + value;
        return GOES_ON;
      case FROM_SP:
        set(way, register, way.sp + value);
        return GOES_ON;
      case LOAD: {
        const from = (base === SP ? way.sp : wordOf(way, base)) + value;
        if (Number.isNaN(from)) way.known &= ~(1 << register);
        else this.#load(way, register, from, memory);
        return GOES_ON;
      }
      case ALIGN_SP:
        way.sp = Number.NaN;
        return GOES_ON;
      case CALL:
        // 32-bit code calls the next instruction to learn where it is.
        if (value === 0) way.sp -= word;
        return GOES_ON;
      case RETURN:
        return RETURNED;
      case BRANCH:
        way.pc = next + value;
        return GOES_ON;
      case BRANCH_IF:
        if (ways.length < MOST_BRANCHES) ways.push({ ...way, words: way.words.slice(), pc: next + value });
        return GOES_ON;
      case LANDING:
        // Another function's beginning, behind a call that does not return.
        return at === start ? GOES_ON : ENDED;
      case JUMP:
      case TRAP:
        return ENDED;
      default:
        return GOES_ON;
    }
  }

  /** What is below the frame's sp was not written yet when the frame was looked at. */
  #load(way: Way, register: number, address: number, memory: WordMemory): void {
    way.known &= ~(1 << register);
    if (address < this.#top || !(address <= MAX_ADDRESS)) return;
    if (!(this.#wide ? memory.word64(address) : memory.word32(address))) return;
    way.words[2 * register] = memory.lo;
    way.words[2 * register + 1] = memory.hi;
    way.known |= 1 << register;
  }

  #take(
    way: Way,
    registers: RegisterState,
    memory: WordMemory,
    indices: readonly number[],
    judge: (address: number) => boolean,
  ): boolean {
    const { sp } = way;
    if (!(sp >= this.#top && sp <= MAX_ADDRESS)) return false;
    if (!(this.#wide ? memory.word64(sp) : memory.word32(sp))) return false;
    const { lo, hi } = memory;
    if (!judge(hi * TWO32 + lo)) return false;
    const { arch, kept } = registers;
    const { value } = this.#instruction;
    registers.known = 0;
    registers.knownAbove = 0;
    for (const [number, index] of indices.entries()) {
      if ((way.known & (1 << number)) === 0 || (kept.known & (1 << index)) === 0) continue;
      registers.setWords(index, way.words[2 * number]!, way.words[2 * number + 1]!);
      registers.setKnown(index);
    }
    registers.setWords(arch.pc, lo, hi);
    registers.set(arch.sp, sp + arch.wordSize + value);
    registers.setKnown(arch.pc);
    registers.setKnown(arch.sp);
    return true;
  }
}

function wordOf(way: Way, register: number): number {
  if (register === SP) return way.sp;
  if ((way.known & (1 << register)) === 0) return Number.NaN;
  return way.words[2 * register + 1]! * TWO32 + way.words[2 * register]!;
}

function set(way: Way, register: number, value: number): void {
  way.known &= ~(1 << register);
  if (!(value >= 0 && value <= MAX_ADDRESS)) return;
  way.words[2 * register] = value;
  way.words[2 * register + 1] = Math.floor(value / TWO32);
  way.known |= 1 << register;
}
