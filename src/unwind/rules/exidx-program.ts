/**
 * ARM's unwind instructions (.ARM.exidx and .ARM.extab), translated into rules.
 *
 * Source: "Exception Handling ABI for the Arm Architecture" (EHABI32), §6 index table, §7.2 personality routines 0 to
 * 2, §10.3 frame unwinding instructions (table 4).
 *
 * A program is a flat list of pairs, `[op, operand, op, operand, ...]`, that works on a virtual stack pointer (vsp, at
 * first the frame's sp):
 *
 * | op          | operand        | meaning                                                                           |
 * |-------------|----------------|-----------------------------------------------------------------------------------|
 * | EXIDX_ADD   | bytes (signed) | vsp += bytes. Saved registers that nobody asks for (VFP, WMMX) are stepped over   |
 * | EXIDX_POP   | mask of r0-r15 | loads the registers from vsp upwards, lowest first; a popped r13 becomes the vsp  |
 * | EXIDX_SET   | register       | vsp = that register                                                               |
 */
export const EXIDX_ADD = 0;
export const EXIDX_POP = 1;
export const EXIDX_SET = 2;

/**
 * Why an entry gives no program. `cantunwind` and `refuse` say that the stack ends here, all others that the table is
 * unusable.
 */
export type ExidxRefusal =
  /** EXIDX_CANTUNWIND in the index. */
  | 'cantunwind'
  /** The instruction 80 00. */
  | 'refuse'
  /** An opcode that the ABI leaves spare. */
  | 'spare'
  /** An opcode that the ABI reserves (vsp = r13, vsp = r15). */
  | 'reserved'
  /** The bytes end inside an instruction. */
  | 'truncated'
  /** A personality routine other than 0, 1, 2, or other than 0 inside the index. */
  | 'personality'
  /** The table points to memory that is not there. */
  | 'unreadable';

export type ExidxProgram = readonly number[] | ExidxRefusal;

const SP = 13;
const PC = 15;

/** Appends an addition to vsp; additions that follow each other become one. */
function add(program: number[], bytes: number): void {
  const last = program.length - 2;
  if (last >= 0 && program[last] === EXIDX_ADD) program[last + 1] = (program[last + 1]! + bytes) | 0;
  else program.push(EXIDX_ADD, bytes | 0);
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The registers from `first` on, `count` of them, as a mask. */
const range = (first: number, count: number): number => ((1 << count) - 1) << first;

/**
 * Translates unwind instructions, the bytes in order of execution, without the table's headers. A list that just ends
 * is complete: the finish instruction (B0) is only padding.
 */
export function compileExidx(bytes: Uint8Array): ExidxProgram {
  const program: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const op = bytes[at++]!;
    if (op < 0x40) {
      add(program, (op << 2) + 4); // 00xxxxxx
    } else if (op < 0x80) {
      add(program, -(((op & 0x3f) << 2) + 4)); // 01xxxxxx
    } else if (op < 0x90) {
      const low = bytes[at++]; // 1000iiii iiiiiiii: r4-r15 under mask
      if (low === undefined) return 'truncated';
      const mask = (((op & 0xf) << 8) | low) << 4;
      if (mask === 0) return 'refuse';
      program.push(EXIDX_POP, mask);
    } else if (op < 0xa0) {
      const register = op & 0xf; // 1001nnnn
      if (register === SP || register === PC) return 'reserved';
      program.push(EXIDX_SET, register);
    } else if (op < 0xa8) {
      program.push(EXIDX_POP, range(4, (op & 7) + 1)); // 10100nnn
    } else if (op < 0xb0) {
      program.push(EXIDX_POP, range(4, (op & 7) + 1) | (1 << 14)); // 10101nnn
    } else if (op === 0xb0) {
      return program; // finish
    } else if (op === 0xb2) {
      let value = 0; // uleb128: only 32 bits can matter, vsp has no more
      let shift = 0;
      for (;;) {
        const byte = bytes[at++];
        if (byte === undefined) return 'truncated';
        if (shift < 32) value |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte < 0x80) break;
      }
      add(program, (value << 2) + 0x204);
    } else if (op === 0xb4) {
      add(program, 4); // return address authentication code: a word
    } else if (op === 0xb5) {
      // vsp is the modifier of the authentication: nothing moves
    } else if (op >= 0xb8 && op < 0xc0) {
      add(program, (op & 7) * 8 + 12); // FSTMFDX d8-d[8+nnn]: a format word follows the registers
    } else if (op >= 0xd0 && op < 0xd8) {
      add(program, (op & 7) * 8 + 8); // VPUSH d8-d[8+nnn]
    } else if (op >= 0xc0 && op < 0xc6) {
      add(program, (op & 7) * 8 + 8); // WMMX wR10-wR[10+nnn]
    } else {
      const bytesPopped = wide(op, bytes[at++]);
      if (typeof bytesPopped === 'string') return bytesPopped;
      if (op === 0xb1) program.push(EXIDX_POP, bytesPopped);
      else add(program, bytesPopped);
    }
  }
  return program;
}

/** The two-byte instructions B1, B3, C6 to C9: the mask of B1, the bytes that the others pop. */
function wide(op: number, operand: number | undefined): number | ExidxRefusal {
  const masked = op === 0xb1 || op === 0xc7;
  if (!masked && op !== 0xb3 && op !== 0xc6 && op !== 0xc8 && op !== 0xc9) return 'spare';
  if (operand === undefined) return 'truncated';
  if (masked) {
    if (operand === 0 || operand > 0xf) return 'spare';
    return op === 0xb1 ? operand : 4 * bits(operand); // r0-r3; wCGR0-wCGR3
  }
  const doubles = ((operand & 0xf) + 1) * 8; // [ssss, ssss + cccc]
  return op === 0xb3 ? doubles + 4 : doubles;
}

/**
 * Where an entry's instructions are read from: words at addresses of the ELF file (virtual, not biased); -1 where there
 * is none.
 */
export type WordReader = (address: number) => number;

const PREL31_SIGN = 0x4000_0000;

/** A place-relative 31-bit offset, as an address below 2^32. */
export function prel31(address: number, word: number): number {
  const offset = word & 0x7fff_ffff;
  return (address + (offset & PREL31_SIGN ? offset - 0x8000_0000 : offset)) >>> 0;
}

/**
 * The program of one index entry.
 * @param address of the entry's second word
 * @param word that second word: 1 for cantunwind, bit 31 set for instructions inline, else a prel31 to .ARM.extab
 */
export function readExidxEntry(address: number, word: number, read: WordReader): ExidxProgram {
  if (word === 1) return 'cantunwind';
  if (word >= 0x8000_0000) {
    if ((word >>> 24) & 0xf) return 'personality';
    return compileExidx(Uint8Array.of(word >>> 16, word >>> 8, word));
  }
  let at = prel31(address, word);
  const head = read(at);
  if (head < 0) return 'unreadable';
  if (head < 0x8000_0000) {
    // Generic model: a prel31 to a personality routine, then what the compilers' routines expect: a count of words in
    // the first byte.
    at += 4;
    const first = read(at);
    if (first < 0) return 'unreadable';
    return words(first, 3, first >>> 24, at + 4, read);
  }
  switch ((head >>> 24) & 0xf) {
    case 0:
      return words(head, 3, 0, at + 4, read);
    case 1:
    case 2:
      return words(head, 2, (head >>> 16) & 0xff, at + 4, read);
    default:
      return 'personality';
  }
}

/** The low `headBytes` bytes of `head` and `count` (at most 255) more words, most significant byte first. */
function words(head: number, headBytes: number, count: number, at: number, read: WordReader): ExidxProgram {
  const bytes = new Uint8Array(headBytes + 4 * count);
  for (let i = 0; i < headBytes; i++) bytes[i] = head >>> (8 * (headBytes - 1 - i));
  for (let i = 0, to = headBytes; i < count; i++, to += 4) {
    const word = read(at + 4 * i);
    if (word < 0) return 'unreadable';
    bytes[to] = word >>> 24;
    bytes[to + 1] = word >>> 16;
    bytes[to + 2] = word >>> 8;
    bytes[to + 3] = word;
  }
  return compileExidx(bytes);
}
