/**
 * What single x86 and x86_64 instructions do to the stack and to the flow of control, as far as compilers use them in
 * prologues, bodies and epilogues. Of all others only the length counts.
 *
 * Source: Intel SDM vol. 2, chapter 2 (instruction format) and appendix A (opcode maps).
 */

/** Nothing that matters here. */
export const PLAIN = 0;
/** sp += value. */
export const MOVE_SP = 1;
/** A word is pushed. */
export const PUSH = 2;
/** `register` is popped. */
export const POP = 3;
/** sp = register + value. */
export const SET_SP = 4;
/** register = sp + value. */
export const FROM_SP = 5;
/** register = the word at `base` + value. */
export const LOAD = 6;
/** sp = the frame pointer, which then is popped. */
export const LEAVE = 7;
/** Returns, and takes `value` bytes more off the stack. */
export const RETURN = 8;
/** Goes to `value` bytes behind the instruction. */
export const BRANCH = 9;
/** Goes there, or on. */
export const BRANCH_IF = 10;
/** Calls what is `value` bytes behind the instruction; NaN: what a register or memory says. */
export const CALL = 11;
/** Goes to where a register or a table says. */
export const JUMP = 12;
/** Never goes on, or is no instruction that programs use. */
export const TRAP = 13;
/** sp is aligned: where it is after this only the frame pointer tells. */
export const ALIGN_SP = 14;
/** ENDBR: where functions begin. */
export const LANDING = 15;

/** The registers' numbers in instructions. */
export const SP = 4;
export const BP = 5;

const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
const MAX_LENGTH = 15;

/** The operand behind ModRM. */
const NONE = 0;
const BYTE = 1;
/** 4 bytes, 2 with an operand size prefix. */
const FULL = 2;

/** One instruction; reused, so that decoding allocates nothing. */
export class X86Instruction {
  op = PLAIN;
  /** Bytes; 0 when they end before the instruction does. */
  size = 0;
  value = 0;
  register = 0;
  base = 0;

  #code: Uint8Array = new Uint8Array(0);
  #at = 0;
  // Of the instruction's ModRM and its operand: what the classes below need.
  #mode = 0;
  #reg = 0;
  #rm = 0;
  #base = -1;
  #displacement = 0;
  #operandSize = false;
  #rex = 0;

  /** Decodes what begins at `at`; `wide`: 64-bit code. */
  decode(code: Uint8Array, at: number, wide: boolean): void {
    this.#code = code;
    this.#at = at;
    this.op = PLAIN;
    this.value = 0;
    this.#operandSize = false;
    this.#rex = 0;
    let repeat = 0;
    let byte = this.#u8();
    for (; PREFIXES.has(byte) && this.#at - at < MAX_LENGTH; byte = this.#u8()) {
      if (byte === 0x66) this.#operandSize = true;
      if (byte === 0xf3) repeat = byte;
    }
    if (PREFIXES.has(byte)) {
      this.size = 0;
      return;
    }
    if (wide && (byte & 0xf0) === 0x40) {
      this.#rex = byte;
      byte = this.#u8();
    }
    const vector = (byte === 0xc4 || byte === 0xc5 || byte === 0x62) && (wide || (code[this.#at] ?? 0) >= 0xc0);
    if (vector) this.#vector(byte);
    else if (byte === 0x0f) this.#twoBytes(repeat);
    else this.#oneByte(byte, wide);
    this.size = this.#at > code.length || this.#at - at > MAX_LENGTH ? 0 : this.#at - at;
  }

  #u8(): number {
    return this.#code[this.#at++] ?? 0;
  }

  #i8(): number {
    return (this.#u8() << 24) >> 24;
  }

  #i32(): number {
    const code = this.#code;
    const at = this.#at;
    this.#at += 4;
    return (code[at] ?? 0) | ((code[at + 1] ?? 0) << 8) | ((code[at + 2] ?? 0) << 16) | ((code[at + 3] ?? 0) << 24);
  }

  #full(): number {
    if (!this.#operandSize) return this.#i32();
    this.#at += 2;
    return 0;
  }

  /** Reads ModRM with its SIB and displacement. */
  #modRm(): void {
    const byte = this.#u8();
    this.#mode = byte >> 6;
    this.#reg = ((byte >> 3) & 7) | ((this.#rex & 4) << 1);
    this.#rm = (byte & 7) | ((this.#rex & 1) << 3);
    this.#displacement = 0;
    this.#base = -1;
    if (this.#mode === 3) return;
    const low = byte & 7;
    let base = this.#rm;
    let indexed = false;
    let absolute = this.#mode === 0 && low === 5;
    if (low === 4) {
      const sib = this.#u8();
      indexed = (sib & 0x38) !== 0x20 || (this.#rex & 2) !== 0;
      base = (sib & 7) | ((this.#rex & 1) << 3);
      absolute = this.#mode === 0 && (sib & 7) === 5;
    }
    if (absolute || this.#mode === 2) this.#displacement = this.#i32();
    else if (this.#mode === 1) this.#displacement = this.#i8();
    this.#base = absolute || indexed ? -1 : base;
  }

  #vector(byte: number): void {
    const first = this.#u8();
    let map = 1;
    if (byte !== 0xc5) map = byte === 0x62 ? first & 7 : first & 0x1f;
    if (byte === 0xc4) this.#u8();
    if (byte === 0x62) this.#at += 2;
    const op = this.#u8();
    if (map === 1 && op === 0x77 && byte !== 0x62) return;
    this.#modRm();
    if (map === 3 || (map === 1 && hasByteOperand(op))) this.#u8();
  }

  #twoBytes(repeat: number): void {
    const op = this.#u8();
    if (op === 0x38 || op === 0x3a) {
      this.#u8();
      this.#modRm();
      if (op === 0x3a) this.#u8();
      return;
    }
    if (op >= 0x80 && op <= 0x8f) {
      this.op = BRANCH_IF;
      this.value = this.#i32();
      return;
    }
    if (op === 0x0b) this.op = TRAP;
    if (WITHOUT_MODRM.has(op)) return;
    this.#modRm();
    if (op === 0x1e && repeat !== 0 && this.#mode === 3 && this.#reg === 7) this.op = LANDING;
    if (op === 0xb9 || op === 0xff) this.op = TRAP;
    if (hasByteOperand(op) || op === 0x0f || op === 0xa4 || op === 0xac || op === 0xba) this.#u8();
  }

  #oneByte(op: number, wide: boolean): void {
    const low = op & 7;
    const rexB = (this.#rex & 1) << 3;
    if (op < 0x40) {
      // What zeros would be; no compiler writes it.
      if (op === 0 && this.#code[this.#at] === 0) this.op = TRAP;
      if (low < 4) this.#modRm();
      else if (low === 4) this.#u8();
      else if (low === 5) this.#full();
      // Two of the segment registers' pushes and pops are all that 32-bit code has here.
      else if (!wide && (op === 0x06 || op === 0x0e || op === 0x16 || op === 0x1e)) this.op = PUSH;
      else if (!wide && (op === 0x07 || op === 0x17 || op === 0x1f)) this.#move(4);
      if (op === 0x03 || op === 0x2b) this.#sumOfSp();
      return;
    }
    switch (op & 0xf8) {
      case 0x40:
      case 0x48:
        return; // inc, dec of 32-bit code
      case 0x50:
        this.op = PUSH;
        return;
      case 0x58:
        this.op = POP;
        this.register = low | rexB;
        return;
      case 0x70:
      case 0x78:
        this.op = BRANCH_IF;
        this.value = this.#i8();
        return;
      case 0xb0:
        this.#u8();
        return;
      case 0xb8:
        if ((this.#rex & 8) !== 0) this.#at += 8;
        else this.#full();
        return;
      case 0xd8:
        this.#modRm();
        return;
    }
    this.#others(op, wide);
  }

  #others(op: number, wide: boolean): void {
    switch (op) {
      case 0x63:
      case 0x84:
      case 0x85:
      case 0x86:
      case 0x87:
      case 0x88:
      case 0x8a:
      case 0x8c:
      case 0x8e:
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
      case 0xfe:
      case 0x62:
      case 0xc4:
      case 0xc5:
        this.#modRm();
        return;
      case 0x68:
        this.#full();
        this.op = PUSH;
        return;
      case 0x6a:
        this.#u8();
        this.op = PUSH;
        return;
      case 0x69:
        this.#operand(FULL);
        return;
      case 0x6b:
      case 0xc0:
      case 0xc1:
      case 0xc6:
      case 0x80:
      case 0x82:
        this.#operand(BYTE);
        return;
      case 0x81:
        this.#arithmetic(FULL);
        return;
      case 0x83:
        this.#arithmetic(BYTE);
        return;
      case 0x89:
        this.#modRm();
        if (this.#mode === 3) this.#copy(this.#rm, this.#reg);
        return;
      case 0x8b:
        this.#modRm();
        if (this.#mode === 3) this.#copy(this.#reg, this.#rm);
        else this.#load();
        return;
      case 0x8d:
        this.#modRm();
        this.#address();
        return;
      case 0x8f:
        this.#modRm();
        this.op = POP;
        // A word that is popped into memory: no register gets it.
        this.register = this.#mode === 3 ? this.#rm : -1;
        return;
      case 0x9c:
        this.op = PUSH;
        return;
      case 0x9d:
        this.op = POP;
        this.register = -1;
        return;
      case 0x9a:
      case 0xea:
        this.#at += 6;
        this.op = TRAP;
        return;
      case 0xa0:
      case 0xa1:
      case 0xa2:
      case 0xa3:
        this.#at += wide ? 8 : 4;
        return;
      case 0xa8:
      case 0xcd:
      case 0xd4:
      case 0xd5:
      case 0xe4:
      case 0xe5:
      case 0xe6:
      case 0xe7:
        this.#u8();
        return;
      case 0xa9:
        this.#full();
        return;
      case 0xc2:
        this.op = RETURN;
        this.value = this.#u8() | (this.#u8() << 8);
        return;
      case 0xc3:
        this.op = RETURN;
        return;
      case 0xc7:
        this.#operand(FULL);
        return;
      case 0xc8:
        this.#at += 3;
        this.op = TRAP;
        return;
      case 0xc9:
        this.op = LEAVE;
        return;
      case 0xca:
        this.#at += 2;
        this.op = TRAP;
        return;
      case 0xcb:
      case 0xcc:
      case 0xcf:
      case 0xf4:
        this.op = TRAP;
        return;
      case 0xe0:
      case 0xe1:
      case 0xe2:
      case 0xe3:
        this.op = BRANCH_IF;
        this.value = this.#i8();
        return;
      case 0xe8:
        this.op = CALL;
        this.value = this.#i32();
        return;
      case 0xe9:
        this.op = BRANCH;
        this.value = this.#i32();
        return;
      case 0xeb:
        this.op = BRANCH;
        this.value = this.#i8();
        return;
      case 0xf6:
      case 0xf7:
        this.#modRm();
        if ((this.#reg & 7) < 2) {
          if (op === 0xf6) this.#u8();
          else this.#full();
        }
        return;
      case 0xff:
        this.#modRm();
        this.#group5();
        return;
      default:
        return;
    }
  }

  #operand(kind: typeof NONE | typeof BYTE | typeof FULL): number {
    this.#modRm();
    return kind === BYTE ? this.#i8() : kind === FULL ? this.#full() : 0;
  }

  /** Group 1 with an immediate: add, or, adc, sbb, and, sub, xor, cmp. */
  #arithmetic(kind: typeof BYTE | typeof FULL): void {
    const value = this.#operand(kind);
    if (this.#mode !== 3 || this.#rm !== SP) return;
    const what = this.#reg & 7;
    if (what === 0) this.#move(value);
    else if (what === 5) this.#move(-value);
    else if (what === 4) this.op = ALIGN_SP;
    else if (what !== 7) this.op = TRAP;
  }

  #move(value: number): void {
    this.op = MOVE_SP;
    this.value = value;
  }

  /** sp plus or minus a register: a frame whose size is computed, or too large to probe. */
  #sumOfSp(): void {
    if (this.#reg === SP) this.op = ALIGN_SP;
  }

  #copy(to: number, from: number): void {
    if (to === SP) {
      this.op = SET_SP;
      this.register = from;
    } else if (from === SP) {
      this.op = FROM_SP;
      this.register = to;
    }
  }

  #load(): void {
    if (this.#base !== SP && this.#base !== BP) return;
    this.op = this.#reg === SP ? TRAP : LOAD;
    this.register = this.#reg;
    this.base = this.#base;
    this.value = this.#displacement;
  }

  #address(): void {
    const base = this.#base;
    this.value = this.#displacement;
    if (this.#reg === SP) {
      if (base === SP) this.op = MOVE_SP;
      else if (base >= 0) {
        this.op = SET_SP;
        this.register = base;
      } else this.op = ALIGN_SP;
    } else if (base === SP) {
      this.op = FROM_SP;
      this.register = this.#reg;
    }
  }

  #group5(): void {
    const what = this.#reg & 7;
    if (what === 2) {
      this.op = CALL;
      this.value = Number.NaN;
    } else if (what === 4) this.op = JUMP;
    else if (what === 6) this.op = PUSH;
    else if (what === 3 || what === 5) this.op = TRAP;
  }
}

/** Opcodes of the map behind 0F that have no ModRM. */
const WITHOUT_MODRM: ReadonlySet<number> = new Set([
  ...[0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x0e],
  ...[0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x37, 0x77],
  ...[0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa],
  ...[0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf],
]);

/** Of the map behind 0F, and of VEX map 1: a byte follows the operand. */
function hasByteOperand(op: number): boolean {
  return (op >= 0x70 && op <= 0x73) || op === 0xc2 || (op >= 0xc4 && op <= 0xc6);
}
