/** The order of the guesses for a frame that no table describes. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { Explain } from '../explain.js';
import { CODE, FP, LEAF, SCAN } from '../frame.js';
import type { Image } from '../image.js';
import type { ProcessImages } from '../process-images.js';
import type { RegisterState } from '../registers.js';
import { ArmCodeStepper } from './arm-code.js';
import { callDecoders, INDIRECT, NO_CALL } from './call-instruction.js';
import { stepFramePointer } from './frame-pointer.js';
import { StackScanner } from './scan.js';

const TWO32 = 0x100000000;
/** arm's program status register in `arch.registers`, and its bit that tells Thumb. */
const CPSR = 16;
const THUMB_STATE = 0x20;

/**
 * What is left when no table has a rule for a frame, from the surest guess to the weakest:
 *
 * 1. a call to nowhere (a null function pointer): the return address is where the call just put it;
 * 2. the frame-pointer chain;
 * 3. what the code around the pc does to the stack (arm, which has no such chain);
 * 4. the link register of an interrupted frame, which may not have saved it yet;
 * 5. a value on the stack that looks like a return address.
 */
export class Fallbacks {
  readonly #images: ProcessImages;
  readonly #memory: WordMemory;
  readonly #scanner = new StackScanner();
  readonly #judge = (value: number): string | null => this.#judgeReturn(value);
  readonly #call = new Uint8Array(8);
  readonly #armCode = new ArmCodeStepper();

  constructor(images: ProcessImages, memory: WordMemory) {
    this.#images = images;
    this.#memory = memory;
  }

  /** Begins a new stack. */
  reset(): void {
    this.#scanner.reset();
  }

  /**
   * Moves `registers` to the caller's. Returns how (LEAF, FP, CODE, SCAN), or -1 when nothing fits.
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
    if (registers.arch.thumb) {
      if (this.#code(registers, context, image, pc)) return CODE;
      reject?.('code: no way from the pc to a return, nor from the beginning of the function to the pc');
    }
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

  /** By what arm code itself does to the stack. */
  #code(registers: RegisterState, context: boolean, image: Image | null, pc: number): boolean {
    const target = registers.pc;
    const thumb = context ? (registers.words[2 * CPSR]! & THUMB_STATE) !== 0 : target % 2 === 1;
    const at = target - (target % 2);
    const mapping = this.#images.mappings.find(target);
    if (mapping < 0) return false;
    const mapped = this.#images.at(mapping);
    // The addresses of code made at run time are absolute.
    const bias = image === null || mapped.image !== image ? 0 : mapped.bias;
    const found = image === null ? null : image.functionAt(pc);
    const start = found === null ? (image?.tableStart(pc) ?? 0) : pc - found.offset;
    const code = {
      pc: at + bias,
      first: this.#images.mappings.mappings[mapping]!.start + bias,
      thumb,
      start: start - (thumb ? start % 2 : 0),
      startKnown: found !== null,
      bytes: (address: number, length: number): Uint8Array => {
        if (image !== null) return image.elf.source.bytes(address - image.elf.loadBias, length);
        const into = new Uint8Array(length);
        return into.subarray(0, this.#memory.read(address, into));
      },
    };
    return this.#armCode.step(code, registers, this.#memory, context, (address) => {
      if (!this.#images.mappings.isExecutable(address)) return false;
      const { image: there, bias: thereBias } = this.#images.at(this.#images.mappings.find(address));
      return this.#behindCall(address, there, address + (there === null ? 0 : thereBias)) !== false;
    });
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
    const behindCall = this.#behindCall(value, image, relPc);
    if (behindCall === false) return 'no call before it';
    // Tables and symbols of arm's libraries leave out much of their code.
    if (behindCall === true && arch.thumb) return null;
    const call = relPc - arch.callSize;
    if (image.covers(call) || image.functionAt(call) !== null) return null;
    return 'in no function';
  }

  /** Whether a call of code ends at the address; null when its bytes are not there, or nothing is known of this CPU's calls. */
  #behindCall(value: number, image: Image | null, relPc: number): boolean | null {
    const { arch } = this.#images;
    const decoder = callDecoders[arch.name];
    if (decoder === undefined) return null;
    const { length } = decoder;
    const bit = arch.thumb ? value % 2 : 0;
    let code = image === null ? null : image.elf.source.bytes(relPc - bit - image.elf.loadBias - length, length);
    if (code === null || code.length < length) {
      code = this.#call.subarray(0, length);
      if (this.#memory.read(value - bit - length, code) < length) return null;
    }
    // All zero: a file whose code was blanked out tells nothing.
    if (code.every((byte) => byte === 0)) return null;
    const callee = decoder.callee(code, value);
    if (callee === NO_CALL) return false;
    return callee === INDIRECT || this.#images.mappings.isExecutable(callee);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
