import type { WordMemory } from '../memory/word-memory.js';
import type { Explain } from './explain.js';
import { FP, LEAF, SCAN } from './frame.js';
import { stepFramePointer } from './frame-pointer.js';
import type { Image } from './image.js';
import type { ProcessImages } from './process-images.js';
import type { RegisterState } from './registers.js';
import { StackScanner } from './scan.js';

const TWO32 = 0x100000000;

/**
 * What is left when no table has a rule for a frame, from the surest guess to the weakest:
 *
 * 1. a call to nowhere (a null function pointer): the return address is where the call just put it;
 * 2. the frame-pointer chain;
 * 3. the link register of an interrupted frame, which may not have saved it yet;
 * 4. a value on the stack that looks like a return address.
 */
export class Fallbacks {
  readonly #images: ProcessImages;
  readonly #memory: WordMemory;
  readonly #scanner = new StackScanner();
  readonly #judge = (value: number): string | null => this.#judgeReturn(value);
  readonly #call = new Uint8Array(8);

  constructor(images: ProcessImages, memory: WordMemory) {
    this.#images = images;
    this.#memory = memory;
  }

  /** Begins a new stack. */
  reset(): void {
    this.#scanner.reset();
  }

  /**
   * Moves `registers` to the caller's. Returns how (LEAF, FP, SCAN), or -1 when nothing fits.
   *
   * @param context the frame was interrupted: its pc is no return address
   * @param image that the frame lies in, and `pc` its address there
   */
  step(
    registers: RegisterState,
    context: boolean,
    image: Image | null,
    pc: number,
    frame: number,
    explain: Explain | null,
  ): number {
    const mappings = this.#images.mappings;
    const reject = explain === null ? null : (text: string) => explain({ frame, kind: 'rejected', text });
    if (context && !mappings.isExecutable(registers.pc)) {
      if (this.#leaf(registers)) return LEAF;
      reject?.('call to nowhere: no return address where a call would put it');
    }
    const why = stepFramePointer(registers, this.#memory, mappings);
    if (why === '') {
      return FP;
    }
    reject?.(`frame pointer: ${why}`);
    if (context && !registers.arch.returnOnStack && !this.#sameFunction(registers, image, pc) && this.#leaf(registers))
      return LEAF;
    const onReject =
      reject === null
        ? null
        : (address: number, value: number, text: string) => reject(`scan: ${hex(value)} at ${hex(address)}: ${text}`);
    if (this.#scanner.step(registers, this.#memory, context, this.#judge, onReject)) return SCAN;
    reject?.('scan: nothing on the stack looks like a return address');
    return -1;
  }

  /** Takes the return address from where a call puts it: the link register, or the top of the stack. */
  #leaf(registers: RegisterState): boolean {
    const { arch } = registers;
    const mappings = this.#images.mappings;
    if (!arch.returnOnStack) {
      const low = (registers.words[2 * arch.lr]! & ~registers.pacMaskLow) >>> 0;
      const high = (registers.words[2 * arch.lr + 1]! & ~registers.pacMaskHigh) >>> 0;
      const value = high * TWO32 + low;
      if (value === registers.pc || !mappings.isExecutable(value)) return false;
      registers.setWords(arch.pc, low, high);
      return true;
    }
    const sp = registers.sp;
    const memory = this.#memory;
    if (!(arch.wordSize === 8 ? memory.word64(sp) : memory.word32(sp))) return false;
    const { lo, hi } = memory;
    if (!mappings.isExecutable(hi * TWO32 + lo)) return false;
    registers.setWords(arch.pc, lo, hi);
    registers.set(arch.sp, sp + arch.wordSize);
    return true;
  }

  /** Whether the link register points into the frame's own function: then it is left over from a call that has returned. */
  #sameFunction(registers: RegisterState, image: Image | null, pc: number): boolean {
    if (image === null) return false;
    const here = image.functionAt(pc);
    if (here === null) return false;
    const { arch } = registers;
    const distance = registers.get(arch.lr) - registers.pc;
    const there = image.functionAt(pc + distance);
    return there !== null && there.name === here.name && there.offset - here.offset === distance;
  }

  /** A return address lies in executable memory, behind a call, in code that tables or symbols know. */
  #judgeReturn(value: number): string | null {
    const images = this.#images;
    const index = images.mappings.find(value);
    if (index < 0 || !images.mappings.isExecutable(value)) return '';
    const { image, bias } = images.at(index);
    const arch = images.arch;
    if (image === null) return this.#behindCall(value, null, 0) === true ? null : 'no image, and no call before it';
    const relPc = value + bias;
    if (this.#behindCall(value, image, relPc) === false) return 'no call before it';
    const call = relPc - arch.callSize;
    if (image.covers(call) || image.functionAt(call) !== null) return null;
    return 'in no function';
  }

  /** x86: whether a call instruction ends at the address; null when its bytes are not there, or on other CPUs. */
  #behindCall(value: number, image: Image | null, relPc: number): boolean | null {
    if (!this.#images.arch.returnOnStack) return null;
    let code = image === null ? null : image.elf.source.bytes(relPc - image.elf.loadBias - 7, 7);
    if (code === null || code.length < 7) {
      code = this.#call.subarray(0, 7);
      if (this.#memory.read(value - 7, code) < 7) return null;
    }
    // All zero: a file whose code was blanked out tells nothing.
    if (code.every((byte) => byte === 0)) return null;
    return endsInCall(code);
  }
}

/** Whether 7 bytes of x86 code end in a call: E8 rel32, or FF /2 with any addressing form. Source: Intel SDM vol. 2, CALL. */
export function endsInCall(code: Uint8Array): boolean {
  if (code[2] === 0xe8) return true;
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

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
