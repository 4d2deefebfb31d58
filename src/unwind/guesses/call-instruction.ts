/**
 * Whether a call instruction ends at an address: what tells return addresses from other pointers to code.
 *
 * Sources: Intel SDM vol. 2, CALL; Arm Architecture Reference Manual ARMv7-A, BL and BLX; for A-profile (DDI 0487), BL,
 * BLR, BLRAA.
 */
import type { ArchName } from '../../arch/arch.js';

/**
 * The callee's address where the instruction names it, INDIRECT where a register or memory does, NO_CALL where there is
 * no call.
 */
export type Callee = number;
export const NO_CALL = -1;
export const INDIRECT = -2;

export interface CallDecoder {
  /** Bytes before the return address that are looked at. */
  readonly length: number;
  /**
   * @param code that many bytes, which end at the return address
   * @param address the return address; bit 0 tells Thumb on arm
   */
  callee(code: Uint8Array, address: number): Callee;
}

/** riscv64 has none. */
export const callDecoders: Readonly<Partial<Record<ArchName, CallDecoder>>> = {
  x86: { length: 7, callee: (code, address) => x86Callee(code, address, 2 ** 32) },
  x86_64: { length: 7, callee: (code, address) => x86Callee(code, address, Number.POSITIVE_INFINITY) },
  arm: { length: 4, callee: (code, address) => (address % 2 === 1 ? thumbCallee : armCallee)(code, address) },
  arm64: { length: 4, callee: arm64Callee },
};

/**
 * Where the call at the end of 7 bytes of x86 code leads. A direct one is told first: what it would be else is rarer.
 */
function x86Callee(code: Uint8Array, address: number, wrap: number): Callee {
  if (code[2] === 0xe8) {
    const offset = code[3]! | (code[4]! << 8) | (code[5]! << 16) | (code[6]! << 24);
    const callee = address + offset;
    const wrapped = wrap === Number.POSITIVE_INFINITY ? callee : (callee + wrap) % wrap;
    // Where the bytes are also an indirect call, either may be meant.
    return endsInIndirectCall(code) ? INDIRECT : Math.max(wrapped, 0);
  }
  return endsInIndirectCall(code) ? INDIRECT : NO_CALL;
}

/** Whether 7 bytes of x86 code end in a call: E8 rel32, or FF /2 with any addressing form. */
export function endsInCall(code: Uint8Array): boolean {
  return code[2] === 0xe8 || endsInIndirectCall(code);
}

function endsInIndirectCall(code: Uint8Array): boolean {
  for (let length = 2; length <= 7; length++) {
    const at = 7 - length;
    const modrm = code[at + 1]!;
    if (code[at] !== 0xff || (modrm & 0x38) !== 0x10) continue;
    if (operandLength(modrm, code[at + 2] ?? 0) === length) return true;
  }
  return false;
}

/** Length of FF with this ModRM: opcode, ModRM, SIB and displacement. */
function operandLength(modrm: number, sib: number): number {
  const mode = modrm >> 6;
  const rm = modrm & 7;
  if (mode === 3) return 2;
  const base = rm === 4 ? 3 : 2;
  if (mode === 1) return base + 1;
  if (mode === 2) return base + 4;
  return rm === 5 || (rm === 4 && (sib & 7) === 5) ? base + 4 : base;
}

function word(code: Uint8Array): number {
  return (code[0]! | (code[1]! << 8) | (code[2]! << 16) | (code[3]! << 24)) >>> 0;
}

function armCallee(code: Uint8Array, address: number): Callee {
  if (address % 4 !== 0) return NO_CALL;
  const instruction = word(code);
  const offset = (instruction << 8) >> 6;
  // The pc reads as the instruction's address and 8; BLX has its target's bit 1 in bit 24.
  if ((instruction & 0xfe000000) >>> 0 === 0xfa000000) return address + 4 + offset + ((instruction >>> 23) & 2);
  if (instruction >>> 28 === 15) return NO_CALL;
  if ((instruction & 0x0f000000) === 0x0b000000) return address + 4 + offset;
  return (instruction & 0x0ffffff0) === 0x012fff30 ? INDIRECT : NO_CALL;
}

function thumbCallee(code: Uint8Array, address: number): Callee {
  const first = code[0]! | (code[1]! << 8);
  const second = code[2]! | (code[3]! << 8);
  if ((second & 0xff87) === 0x4780) return INDIRECT;
  const exchange = (second & 0xd001) === 0xc000;
  if ((first & 0xf800) !== 0xf000 || (!exchange && (second & 0xd000) !== 0xd000)) return NO_CALL;
  const sign = (first >>> 10) & 1;
  const i1 = ((second >>> 13) & 1) === sign ? 1 : 0;
  const i2 = ((second >>> 11) & 1) === sign ? 1 : 0;
  const bits = (sign << 24) | (i1 << 23) | (i2 << 22) | ((first & 0x3ff) << 12) | ((second & 0x7ff) << 1);
  const target = address - 1 + ((bits << 7) >> 7);
  return exchange ? target - (target % 4) : target;
}

function arm64Callee(code: Uint8Array, address: number): Callee {
  if (address % 4 !== 0) return NO_CALL;
  const instruction = word(code);
  if (instruction >>> 26 === 0x25) return address - 4 + ((instruction << 6) >> 4);
  return (instruction & 0xfefff000) >>> 0 === 0xd63f0000 ? INDIRECT : NO_CALL;
}
