/** Unwinding of arm code without tables, by reading the code. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { RegisterState } from '../registers.js';
import {
  ADD,
  ArmInstruction,
  BRANCH,
  BRANCH_IF,
  CALL,
  FROM_SP,
  IF_THEN,
  JUMP,
  LOAD,
  MOVE_SP,
  POP,
  PUSH,
  RETURN,
  SET_SP,
  TRAP,
} from './arm-instructions.js';

const SP = 13;
const LR = 14;
const PC = 15;

/**
 * Bytes of code looked at before and behind the pc: functions are rarely longer, and the budget below is what bounds
 * the work.
 */
const REACH = 4096;
/** Instructions followed to find a way out. */
const MOST_INSTRUCTIONS = 1500;
/** Branches not followed yet. */
const MOST_BRANCHES = 32;

/** The code around a frame. */
export interface ArmFrameCode {
  /** Where the code begins that `bytes` has. */
  readonly first: number;
  /**
   * `length` bytes at an address of the image (or an absolute one where there is no image); fewer where there are none.
   */
  bytes(address: number, length: number): Uint8Array;
  /** The frame's pc there, bit 0 cleared; for a caller the return address. */
  readonly pc: number;
  readonly thumb: boolean;
  /** Where the function begins, where known; else where it cannot begin before (0 when nothing is known). */
  readonly start: number;
  readonly startKnown: boolean;
}

interface Way {
  pc: number;
  sp: number;
  registers: Uint32Array;
  /** The registers that are known, as a mask. */
  known: number;
  /** The link register holds the caller's address; `restored`: loaded back from the stack. */
  returns: boolean;
  restored: boolean;
  /** Conditional instructions that follow, and are taken not to be executed. */
  skip: number;
}

/**
 * Unwinds frames of arm code that no table describes, by what the code itself does: C libraries are built without
 * tables for most of their functions there.
 *
 * First forward: from the pc to the function's return, whatever way leads there; what its epilogue pops is what it
 * saved. Functions that do not return are read from their prologue on. Either way the return address must satisfy
 * `judge`.
 */
export class ArmCodeStepper {
  readonly #instruction = new ArmInstruction();
  readonly #saved = new Float64Array(16);
  #code: ArmFrameCode | null = null;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;

  /**
   * @param registers the frame's in, the caller's out (unchanged when the result is false)
   * @param context the frame was interrupted: the link register may still hold the caller's address
   * @param judge whether an address may be a return address
   */
  step(
    code: ArmFrameCode,
    registers: RegisterState,
    memory: WordMemory,
    context: boolean,
    judge: (address: number) => boolean,
  ): boolean {
    this.#code = code;
    this.#windowAt = Math.max(code.first, code.pc - REACH);
    this.#window = code.bytes(this.#windowAt, code.pc + REACH - this.#windowAt);
    const done =
      this.#forward(registers, memory, context, judge) || this.#fromPrologue(registers, memory, context, judge);
    this.#code = null;
    return done;
  }

  /** Decodes the instruction at an address; false outside the code. */
  #decode(at: number): boolean {
    const { thumb, start, startKnown } = this.#code!;
    const window = this.#window;
    const index = at - this.#windowAt;
    if (index < 0 || index + 4 > window.length || (startKnown && at < start)) return false;
    const first = window[index]! | (window[index + 1]! << 8);
    const second = window[index + 2]! | (window[index + 3]! << 8);
    if (thumb) this.#instruction.thumb(at, first, second);
    else this.#instruction.arm(at, ((second << 16) | first) >>> 0);
    return true;
  }

  #forward(
    registers: RegisterState,
    memory: WordMemory,
    context: boolean,
    judge: (address: number) => boolean,
  ): boolean {
    const words = new Uint32Array(16);
    for (let i = 0; i < 16; i++) words[i] = registers.words[2 * i]!;
    const ways: Way[] = [
      {
        pc: this.#code!.pc,
        sp: words[SP]!,
        registers: words,
        known: registers.known,
        returns: context && registers.isKnown(LR),
        restored: false,
        skip: 0,
      },
    ];
    const seen = new Set<number>();
    let budget = MOST_INSTRUCTIONS;
    for (let way = ways.pop(); way !== undefined && budget > 0; way = ways.pop()) {
      for (; budget > 0; budget--) {
        if (way.skip === 0) {
          if (seen.has(way.pc)) break;
          seen.add(way.pc);
        }
        if (!this.#decode(way.pc)) break;
        const outcome = this.#follow(way, ways, memory);
        if (outcome === GOES_ON) continue;
        if (outcome === RETURNED && this.#take(way, registers, judge)) return true;
        break;
      }
    }
    return false;
  }

  /** Does what the decoded instruction does. */
  #follow(way: Way, ways: Way[], memory: WordMemory): typeof GOES_ON | typeof ENDED | typeof RETURNED {
    const { op, size, value, mask, register, conditional } = this.#instruction;
    const at = way.pc;
    way.pc += size;
    if (way.skip > 0) {
      way.skip--;
      return GOES_ON;
    }
    if (op === IF_THEN) {
      fork(ways, way, way.pc, value);
      return GOES_ON;
    }
    if (conditional && (op === POP || op === RETURN || op === MOVE_SP)) fork(ways, way, way.pc, 0);
    const words = way.registers;
    switch (op) {
      case MOVE_SP:
        way.sp = (way.sp + value) >>> 0;
        return GOES_ON;
      case POP:
        if (!load(words, mask, way.sp, memory)) return ENDED;
        way.sp = (way.sp + value) >>> 0;
        way.known |= mask;
        restore(way, mask);
        if ((mask & (1 << PC)) === 0) return GOES_ON;
        words[LR] = words[PC]!;
        return RETURNED;
      case LOAD:
        if (!load(words, mask, way.sp + value, memory)) return ENDED;
        way.known |= mask;
        restore(way, mask);
        return GOES_ON;
      case SET_SP:
        if ((way.known & (1 << register)) === 0) return ENDED;
        way.sp = (words[register]! + value) >>> 0;
        return GOES_ON;
      case FROM_SP:
        words[register] = way.sp + value;
        way.known |= 1 << register;
        return GOES_ON;
      case ADD:
        words[register] = words[register]! + value;
        return GOES_ON;
      case CALL:
        if (!conditional) {
          way.returns = false;
          way.restored = false;
        }
        return GOES_ON;
      case PUSH:
        // Another function's prologue, behind a call that does not return; or this one's, which then has saved nothing
        // yet.
        return ENDED;
      case RETURN:
        return way.returns ? RETURNED : ENDED;
      case BRANCH:
        // With the link register restored, a jump leaves the function for one that returns to its caller.
        if (way.restored) return RETURNED;
        way.pc = value;
        return value === at ? ENDED : GOES_ON;
      case BRANCH_IF:
        fork(ways, way, value, 0);
        return GOES_ON;
      case JUMP:
        return way.returns ? RETURNED : ENDED;
      case TRAP:
        return ENDED;
      default:
        return GOES_ON;
    }
  }

  #take(way: Way, registers: RegisterState, judge: (address: number) => boolean): boolean {
    const to = way.registers[LR]!;
    if (way.sp < registers.sp || !judge(to)) return false;
    for (let i = 4; i < SP; i++) registers.setWords(i, way.registers[i]!, 0);
    registers.setWords(SP, way.sp, 0);
    registers.setWords(LR, to, 0);
    registers.setWords(PC, to, 0);
    registers.known = way.known;
    registers.keepKept();
    return true;
  }

  #fromPrologue(
    registers: RegisterState,
    memory: WordMemory,
    context: boolean,
    judge: (address: number) => boolean,
  ): boolean {
    const { start, startKnown, pc } = this.#code!;
    const from = startKnown ? start : this.#findPush();
    if (from < 0 || from > pc || pc - from > REACH) return false;
    const depth = this.#depthAt(from);
    if (Number.isNaN(depth)) return false;
    const saved = this.#saved;
    const base = (registers.sp - depth) >>> 0;
    let to = registers.words[2 * LR]!;
    if (!Number.isNaN(saved[LR])) {
      if (!memory.word32(base + saved[LR]!)) return false;
      to = memory.lo;
    } else if (!context || !registers.isKnown(LR)) return false;
    if (base < registers.sp || !judge(to)) return false;
    for (let i = 4; i < SP; i++) {
      if (!Number.isNaN(saved[i]) && memory.word32(base + saved[i]!)) {
        registers.setWords(i, memory.lo, 0);
        registers.setKnown(i);
      }
    }
    registers.setWords(SP, base, 0);
    registers.setWords(LR, to, 0);
    registers.setWords(PC, to, 0);
    registers.keepKept();
    return true;
  }

  /**
   * The nearest place before the pc that saves the link register, or the pushes right before it; -1 when there is none.
   */
  #findPush(): number {
    const { pc, thumb, start } = this.#code!;
    const step = thumb ? 2 : 4;
    for (let at = pc - step; at >= Math.max(start, this.#windowAt); at -= step) {
      if (!this.#decode(at)) return -1;
      const { op, mask, size } = this.#instruction;
      if (op !== PUSH || (mask & (1 << LR)) === 0 || at + size > pc) continue;
      // A function with variable arguments pushes r0-r3 first.
      const before = at - step;
      return this.#decode(before) && this.#instruction.op === PUSH && this.#instruction.size === step ? before : at;
    }
    return -1;
  }

  /**
   * Reads on from a function's beginning to the pc. Returns how far sp has moved by then (negative), `#saved` the
   * places of saved registers, both relative to sp at the beginning; NaN when no instruction begins at the pc.
   */
  #depthAt(from: number): number {
    const { pc } = this.#code!;
    const saved = this.#saved.fill(Number.NaN);
    const pointers = new Float64Array(16).fill(Number.NaN);
    let depth = 0;
    // Behind a return the body goes on as it was before the epilogue.
    let body = 0;
    let skip = 0;
    let at = from;
    while (at < pc) {
      if (!this.#decode(at)) return Number.NaN;
      const { op, size, value, mask, register, conditional } = this.#instruction;
      at += size;
      if (skip > 0 || conditional) {
        if (skip > 0) skip--;
        continue;
      }
      switch (op) {
        case IF_THEN:
          skip = value;
          break;
        case PUSH:
          depth += value;
          for (let i = 0, place = depth; i <= LR; i++) {
            if ((mask & (1 << i)) === 0) continue;
            if (Number.isNaN(saved[i])) saved[i] = place;
            place += 4;
          }
          break;
        case POP:
        case MOVE_SP:
          depth += value;
          break;
        case FROM_SP:
          pointers[register] = depth + value;
          break;
        case SET_SP:
          if (!Number.isNaN(pointers[register])) depth = pointers[register]! + value;
          break;
        default:
      }
      if (depth < body) body = depth;
      const leaves = op === RETURN || op === BRANCH || op === JUMP || op === TRAP;
      if (leaves || (op === POP && (mask & (1 << PC)) !== 0)) depth = body;
    }
    return at === pc ? depth : Number.NaN;
  }
}

const GOES_ON = 0;
const ENDED = 1;
const RETURNED = 2;

function fork(ways: Way[], way: Way, pc: number, skip: number): void {
  if (ways.length < MOST_BRANCHES) ways.push({ ...way, registers: way.registers.slice(), pc, skip });
}

function restore(way: Way, mask: number): void {
  if ((mask & (1 << LR)) === 0) return;
  way.returns = true;
  way.restored = true;
}

function load(words: Uint32Array, mask: number, address: number, memory: WordMemory): boolean {
  let from = address;
  for (let i = 0; i < 16; i++) {
    if ((mask & (1 << i)) === 0) continue;
    if (!memory.word32(from)) return false;
    words[i] = memory.lo;
    from += 4;
  }
  return true;
}
