/**
 * What single arm instructions do to the stack and to the flow of control, as far as compilers use them in prologues,
 * bodies and epilogues. All others count as plain.
 *
 * Source: Arm Architecture Reference Manual ARMv7-A (DDI 0406C), A5 and A8 (A32), A6 and A8 (T32).
 */

/** Nothing that matters here. */
export const PLAIN = 0;
/** sp += value. */
export const MOVE_SP = 1;
/** The registers of `mask` are loaded from sp upwards, then sp += value. */
export const POP = 2;
/** sp += value (negative), then the registers of `mask` are stored from sp upwards. */
export const PUSH = 3;
/** The registers of `mask` are loaded from sp + value upwards. */
export const LOAD = 4;
/** sp = register + value. */
export const SET_SP = 5;
/** register = sp + value. */
export const FROM_SP = 6;
/** register += value. */
export const ADD = 7;
/** Goes to the link register. */
export const RETURN = 8;
/** Goes to value. */
export const BRANCH = 9;
/** Goes to value, or on. */
export const BRANCH_IF = 10;
/** Comes back, unless what it calls does not. */
export const CALL = 11;
/** Goes to where a register or a table says. */
export const JUMP = 12;
/** Raises an exception. */
export const TRAP = 13;
/** The `value` instructions that follow are conditional (T32's IT). */
export const IF_THEN = 14;

const SP = 13;
const LR = 14;
const PC = 15;

/** One instruction; reused, so that decoding allocates nothing. */
export class ArmInstruction {
  op = PLAIN;
  /** Bytes. */
  size = 2;
  value = 0;
  mask = 0;
  register = 0;
  /** A32: executed under a condition. */
  conditional = false;

  #is(op: number, value = 0, mask = 0, register = 0): void {
    this.op = op;
    this.value = value;
    this.mask = mask;
    this.register = register;
  }

  /** @param at address; `first` and `second` its halfwords, `second` of no account for a 16-bit instruction */
  thumb(at: number, first: number, second: number): void {
    this.conditional = false;
    this.#is(PLAIN);
    // 11101, 11110 and 11111 begin 32-bit instructions.
    if (first < 0xe800) {
      this.size = 2;
      this.#narrow(at, first);
    } else {
      this.size = 4;
      this.#wide(at, first, second);
    }
  }

  #narrow(at: number, code: number): void {
    const rm = (code >>> 3) & 15;
    const low8 = code & 0xff;
    if ((code & 0xff80) === 0xb000) this.#is(MOVE_SP, (code & 0x7f) * 4);
    else if ((code & 0xff80) === 0xb080) this.#is(MOVE_SP, -(code & 0x7f) * 4);
    else if ((code & 0xfe00) === 0xb400) this.#push(low8 | ((code & 0x100) << 6));
    else if ((code & 0xfe00) === 0xbc00) this.#pop(low8 | ((code & 0x100) << 7));
    else if ((code & 0xf500) === 0xb100)
      this.#is(BRANCH_IF, at + 4 + (((code >>> 3) & 0x40) | ((code >>> 2) & 0x3e))); // CBZ, CBNZ
    else if ((code & 0xff00) === 0xbf00 && (code & 15) !== 0)
      this.#is(IF_THEN, 4 - (31 - Math.clz32(code & -code & 15)));
    else if ((code & 0xff87) === 0x4685) this.#is(SET_SP, 0, 0, rm);
    else if ((code & 0xff78) === 0x4668) this.#is(FROM_SP, 0, 0, ((code >>> 4) & 8) | (code & 7));
    else if ((code & 0xff87) === 0x4687 || (code & 0xff87) === 0x4700) this.#is(rm === LR ? RETURN : JUMP);
    else if ((code & 0xff87) === 0x4780) this.#is(CALL);
    else if ((code & 0xf800) === 0xa800) this.#is(FROM_SP, low8 * 4, 0, (code >>> 8) & 7);
    else if ((code & 0xf800) === 0x9800) this.#is(LOAD, low8 * 4, 1 << ((code >>> 8) & 7));
    else if ((code & 0xf800) === 0x3000) this.#is(ADD, low8, 0, (code >>> 8) & 7);
    else if ((code & 0xf800) === 0x3800) this.#is(ADD, -low8, 0, (code >>> 8) & 7);
    else if ((code & 0xf800) === 0xe000) this.#is(BRANCH, at + 4 + signed(code & 0x7ff, 11) * 2);
    else if ((code & 0xff00) === 0xde00) this.#is(TRAP);
    else if ((code & 0xf000) === 0xd000 && (code & 0xf00) < 0xe00) this.#is(BRANCH_IF, at + 4 + signed(low8, 8) * 2);
  }

  #wide(at: number, first: number, second: number): void {
    const rt = second >>> 12;
    const low8 = second & 0xff;
    if (first === 0xe8bd) this.#pop(second & 0xdfff);
    else if (first === 0xe92d) this.#push(second & 0x5fff);
    else if (first === 0xf85d && (second & 0xf00) === 0xb00) this.#popOne(1 << rt, low8);
    else if (first === 0xf84d && (second & 0xf00) === 0xd00) this.#is(PUSH, -low8, 1 << rt);
    else if (first === 0xe8fd)
      this.#popOne((1 << rt) | (1 << ((second >>> 8) & 15)), low8 * 4); // LDRD
    else if (first === 0xe96d)
      this.#is(PUSH, -low8 * 4, (1 << rt) | (1 << ((second >>> 8) & 15))); // STRD
    else if (first === 0xe9dd) this.#is(LOAD, low8 * 4, (1 << rt) | (1 << ((second >>> 8) & 15)));
    else if (first === 0xf8dd && rt !== PC) this.#is(LOAD, second & 0xfff, 1 << rt);
    else if ((first & 0xffbf) === 0xecbd && (second & 0xe00) === 0xa00)
      this.#is(MOVE_SP, low8 * 4); // VPOP
    else if ((first & 0xffbf) === 0xed2d && (second & 0xe00) === 0xa00)
      this.#is(MOVE_SP, -low8 * 4); // VPUSH
    else if (first === 0xea4f && (second & 0xfff0) === 0x0d00) this.#is(SET_SP, 0, 0, second & 15);
    else if ((first & 0xfff0) === 0xe8d0 && (second & 0xffe0) === 0xf000)
      this.#is(JUMP); // TBB, TBH
    else if ((first & 0xff70) === 0xf850 && rt === PC) this.#is(JUMP);
    else if ((first & 0xfff0) === 0xf7f0 && (second & 0xf000) === 0xa000) this.#is(TRAP);
    else if ((first & 0xf800) === 0xf000) {
      if ((second & 0x8000) === 0) this.#wideAdd(first, second);
      else this.#wideBranch(at, first, second);
    }
  }

  /** ADD and SUB with an immediate: the modified kind (bit 9 clear) and the plain 12-bit one. */
  #wideAdd(first: number, second: number): void {
    const kind = first & 0xfbe0;
    const low12 = ((first & 0x400) << 1) | ((second & 0x7000) >>> 4) | (second & 0xff);
    let value: number;
    if (kind === 0xf100 || kind === 0xf1a0) value = expandImmediate(low12);
    else if (kind === 0xf200 || kind === 0xf2a0) value = low12;
    else return;
    this.#add((second >>> 8) & 15, first & 15, (kind & 0xa0) === 0xa0 ? -value : value);
  }

  #wideBranch(at: number, first: number, second: number): void {
    const sign = (first >>> 10) & 1;
    const j1 = (second >>> 13) & 1;
    const j2 = (second >>> 11) & 1;
    if ((second & 0x4000) !== 0)
      this.#is(CALL); // BL, BLX
    else if ((second & 0x1000) !== 0) {
      const high = (sign << 23) | ((j1 === sign ? 1 : 0) << 22) | ((j2 === sign ? 1 : 0) << 21);
      this.#is(BRANCH, at + 4 + signed(high | ((first & 0x3ff) << 11) | (second & 0x7ff), 24) * 2);
    } else if ((first & 0x380) !== 0x380) {
      const offset = (sign << 19) | (j2 << 18) | (j1 << 17) | ((first & 0x3f) << 11) | (second & 0x7ff);
      this.#is(BRANCH_IF, at + 4 + signed(offset, 20) * 2);
    }
  }

  /** @param at address of the A32 instruction `code` */
  arm(at: number, code: number): void {
    this.size = 4;
    this.#is(PLAIN);
    const condition = code >>> 28;
    this.conditional = condition < 14;
    if (condition === 15) {
      if ((code & 0xfe000000) >>> 0 === 0xfa000000) this.#is(CALL); // BLX
      return;
    }
    const rd = (code >>> 12) & 15;
    const high = (code >>> 16) & 0xfff;
    const rm = code & 15;
    if (high === 0x8bd) this.#pop(code & 0xffff);
    else if (high === 0x92d) this.#push(code & 0xffff);
    else if (high === 0x49d) this.#popOne(1 << rd, code & 0xfff);
    else if (high === 0x52d) this.#is(PUSH, -(code & 0xfff), 1 << rd);
    else if (high === 0x59d && rd !== PC) this.#is(LOAD, code & 0xfff, 1 << rd);
    else if ((code & 0x0fff00f0) === 0x00cd00d0)
      this.#popOne(3 << rd, ((code >>> 4) & 0xf0) | rm); // LDRD
    else if ((code & 0x0fff00f0) === 0x016d00f0)
      this.#is(PUSH, -(((code >>> 4) & 0xf0) | rm), 3 << rd); // STRD
    else if ((code & 0x0fbf0e00) === 0x0cbd0a00)
      this.#is(MOVE_SP, (code & 0xff) * 4); // VPOP
    else if ((code & 0x0fbf0e00) === 0x0d2d0a00)
      this.#is(MOVE_SP, -(code & 0xff) * 4); // VPUSH
    else if ((code & 0x0f000000) === 0x0b000000) this.#is(CALL);
    else if ((code & 0x0f000000) === 0x0a000000)
      this.#is(this.conditional ? BRANCH_IF : BRANCH, at + 8 + signed(code & 0xffffff, 24) * 4);
    else if ((code & 0x0ffffff0) === 0x012fff30)
      this.#is(CALL); // BLX register
    else if ((code & 0x0ffffff0) === 0x012fff10 || (code & 0x0ffffff0) === 0x01a0f000)
      this.#is(rm === LR ? RETURN : JUMP);
    else if ((code & 0x0ffffff0) === 0x01a0d000) this.#is(SET_SP, 0, 0, rm);
    else if ((code & 0x0fff0fff) === 0x01a0000d) this.#is(FROM_SP, 0, 0, rd);
    else if ((code & 0x0fe00000) === 0x02800000) this.#add(rd, high & 15, rotated(code));
    else if ((code & 0x0fe00000) === 0x02400000) this.#add(rd, high & 15, -rotated(code));
    else if ((code & 0x0c10f000) === 0x0410f000)
      this.#is(JUMP); // LDR pc
    else if ((code & 0xfff000f0) >>> 0 === 0xe7f000f0) this.#is(TRAP);
  }

  #pop(mask: number): void {
    this.#is(POP, 4 * count(mask), mask);
  }

  #popOne(mask: number, move: number): void {
    this.#is(POP, move, mask);
  }

  #push(mask: number): void {
    this.#is(PUSH, -4 * count(mask), mask);
  }

  #add(to: number, from: number, value: number): void {
    if (to === SP) {
      if (from === SP) this.#is(MOVE_SP, value);
      else this.#is(SET_SP, value, 0, from);
    } else if (from === SP) this.#is(FROM_SP, value, 0, to);
    else if (to === from) this.#is(ADD, value, 0, to);
  }
}

/** The number that the low `bits` of a value are in two's complement. */
function signed(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}

function count(mask: number): number {
  let bits = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}

function rotateRight(value: number, by: number): number {
  return by === 0 ? value >>> 0 : ((value >>> by) | (value << (32 - by))) >>> 0;
}

/** A32's modified immediate: 8 bits, rotated right by twice the 4 above. */
function rotated(code: number): number {
  return rotateRight(code & 0xff, ((code >>> 8) & 15) * 2);
}

/** T32's ThumbExpandImm. */
function expandImmediate(low12: number): number {
  const byte = low12 & 0xff;
  switch (low12 >>> 8) {
    case 0:
      return byte;
    case 1:
      return (byte << 16) | byte;
    case 2:
      return ((byte << 24) | (byte << 8)) >>> 0;
    case 3:
      return ((byte << 24) | (byte << 16) | (byte << 8) | byte) >>> 0;
    default:
      return rotateRight(0x80 | (low12 & 0x7f), low12 >>> 7);
  }
}
