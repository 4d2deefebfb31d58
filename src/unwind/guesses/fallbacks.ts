/** The order of the guesses for a frame that no table describes. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { Explain } from '../explain.js';
import { CODE, FP, LEAF, SCAN } from '../frame.js';
import type { FrameBuffer } from '../frame-buffer.js';
import type { CodeModule } from '../module.js';
import type { ProcessModules } from '../process-modules.js';
import type { RegisterState } from '../registers.js';
import { ArmCodeStepper } from './arm-code.js';
import { callDecoders, INDIRECT, NO_CALL } from './call-instruction.js';
import { stepFramePointer } from './frame-pointer.js';
import { type Guesses, NO_WAY_ON, OUTERMOST, type StuckFrame } from './guesses.js';
import { StackScanner } from './scan.js';
import { X86CodeStepper } from './x86-code.js';

const TWO32 = 0x100000000;
/** arm's program status register in `arch.registers`, and its bit that tells Thumb. */
const CPSR = 16;
const THUMB_STATE = 0x20;

/**
 * What is left when no table has a rule for a frame, from the surest guess to the weakest:
 *
 * 1. a call to nowhere (a null function pointer): the return address is where the call just put it;
 * 2. what the code does to the stack on its way to the function's return (x86, x86_64): a frame pointer tells nothing
 *    of a leaf without a frame, nor of code that uses the register for something else;
 * 3. no caller at all: start code that no table describes;
 * 4. the frame-pointer chain;
 * 5. what the code around the pc does to the stack (arm, which has no such chain);
 * 6. the link register of an interrupted frame, which may not have saved it yet;
 * 7. a value on the stack that looks like a return address.
 */
export class Fallbacks implements Guesses {
  readonly #modules: ProcessModules;
  readonly #memory: WordMemory;
  readonly #scanner = new StackScanner();
  readonly #judge = (value: number): string | null => this.#judgeReturn(value);
  readonly #call = new Uint8Array(8);
  readonly #armCode = new ArmCodeStepper();
  readonly #x86Code = new X86CodeStepper();

  constructor(modules: ProcessModules, memory: WordMemory) {
    this.#modules = modules;
    this.#memory = memory;
  }

  /** Begins a new stack. */
  reset(): void {
    this.#scanner.reset();
    this.#x86Code.reset();
  }

  stepped(): void {}

  drops(_: FrameBuffer): boolean {
    return false;
  }

  step(registers: RegisterState, { context, module, pc, cutOff, frame }: StuckFrame, explain: Explain | null): number {
    const mappings = this.#modules.mappings;
    const reject = explain === null ? null : (text: string) => explain({ frame, kind: 'rejected', text });
    if (context && !mappings.isExecutable(registers.pc)) {
      if (this.#leaf(registers)) return LEAF;
      reject?.('call to nowhere: no return address where a call would put it');
    }
    if (registers.arch.returnOnStack) {
      if (this.#readX86(registers, module)) return CODE;
      reject?.('code: no way from the pc to a return');
    }
    if (module?.isStartCode(pc)) return OUTERMOST;
    const why = stepFramePointer(registers, this.#memory, mappings, (address) => this.#followsCall(address));
    if (why === '') {
      return FP;
    }
    reject?.(`frame pointer: ${why}`);
    if (registers.arch.thumb) {
      if (this.#readArm(registers, context, module, pc)) return CODE;
      reject?.('code: no way from the pc to a return, nor from the beginning of the function to the pc');
    }
    if (context && !registers.arch.returnOnStack && !this.#sameFunction(registers, module, pc) && this.#leaf(registers))
      return LEAF;
    if (cutOff) {
      reject?.('scan: the stack was not copied as far as the frame goes');
      return NO_WAY_ON;
    }
    const onReject =
      reject === null
        ? null
        : (address: number, value: number, text: string) => reject(`scan: ${hex(value)} at ${hex(address)}: ${text}`);
    if (this.#scanner.step(registers, this.#memory, this.#judge, onReject)) return SCAN;
    reject?.('scan: nothing on the stack looks like a return address');
    return NO_WAY_ON;
  }

  /** Takes the return address from where a call puts it: the link register, or the top of the stack. */
  #leaf(registers: RegisterState): boolean {
    const { arch } = registers;
    const mappings = this.#modules.mappings;
    if (!arch.returnOnStack) {
      if (!registers.isKnown(arch.lr)) return false;
      const low = (registers.words[2 * arch.lr]! & ~registers.pacMaskLow) >>> 0;
      const high = (registers.words[2 * arch.lr + 1]! & ~registers.pacMaskHigh) >>> 0;
      const value = high * TWO32 + low;
      if (value === registers.pc || !mappings.isExecutable(value)) return false;
      registers.setWords(arch.pc, low, high);
      registers.keepKept();
      return true;
    }
    const sp = registers.sp;
    const memory = this.#memory;
    if (!(arch.wordSize === 8 ? memory.word64(sp) : memory.word32(sp))) return false;
    const { lo, hi } = memory;
    if (!mappings.isExecutable(hi * TWO32 + lo)) return false;
    registers.setWords(arch.pc, lo, hi);
    registers.set(arch.sp, sp + arch.wordSize);
    registers.keepKept();
    return true;
  }

  /**
   * Whether the link register points into the frame's own function: then it is left over from a call that has returned.
   */
  #sameFunction(registers: RegisterState, module: CodeModule | null, pc: number): boolean {
    if (module === null) return false;
    const here = module.functionAt(pc);
    if (here === null) return false;
    const { arch } = registers;
    const distance = registers.get(arch.lr) - registers.pc;
    const there = module.functionAt(pc + distance);
    return there !== null && there.name === here.name && there.offset - here.offset === distance;
  }

  /** By what x86 code itself does to the stack. */
  #readX86(registers: RegisterState, module: CodeModule | null): boolean {
    const target = registers.pc;
    const mapping = this.#modules.mappings.find(target);
    if (mapping < 0 || !this.#modules.mappings.isExecutable(target)) return false;
    const mapped = this.#modules.at(mapping);
    const bias = module === null || mapped.module !== module || mapped.absolute ? 0 : mapped.bias;
    const code = {
      pc: target + bias,
      first: this.#modules.mappings.mappings[mapping]!.start + bias,
      bytes: (address: number, length: number): Uint8Array => {
        const inModule = module?.code.bytes(address, length);
        if (inModule !== undefined && inModule.length > 0) return inModule;
        const into = new Uint8Array(length);
        return into.subarray(0, this.#memory.read(address - bias, into));
      },
    };
    return this.#x86Code.step(code, registers, this.#memory, (address) => this.#judgeReturn(address) === null);
  }

  /** By what arm code itself does to the stack. */
  #readArm(registers: RegisterState, context: boolean, module: CodeModule | null, pc: number): boolean {
    const target = registers.pc;
    const thumb = context ? (registers.words[2 * CPSR]! & THUMB_STATE) !== 0 : target % 2 === 1;
    const at = target - (target % 2);
    const mapping = this.#modules.mappings.find(target);
    if (mapping < 0) return false;
    const mapped = this.#modules.at(mapping);
    // The addresses of code made at run time are absolute.
    const bias = module === null || mapped.module !== module ? 0 : mapped.bias;
    const found = module === null ? null : module.functionAt(pc);
    const start = found === null ? (module?.functionBound(pc) ?? 0) : pc - found.offset;
    const code = {
      pc: at + bias,
      first: this.#modules.mappings.mappings[mapping]!.start + bias,
      thumb,
      start: start - (thumb ? start % 2 : 0),
      startKnown: found !== null,
      bytes: (address: number, length: number): Uint8Array => {
        if (module !== null) return module.code.bytes(address, length);
        const into = new Uint8Array(length);
        return into.subarray(0, this.#memory.read(address, into));
      },
    };
    return this.#armCode.step(code, registers, this.#memory, context, (address) => {
      if (!this.#modules.mappings.isExecutable(address)) return false;
      const { module: there, bias: thereBias } = this.#modules.at(this.#modules.mappings.find(address));
      return this.#behindCall(address, there, address + (there === null ? 0 : thereBias)) !== false;
    });
  }

  /** A return address lies in executable memory, behind a call, in code that tables or symbols know. */
  #judgeReturn(value: number): string | null {
    const modules = this.#modules;
    const index = modules.mappings.find(value);
    if (index < 0 || !modules.mappings.isExecutable(value)) return '';
    const { module, bias } = modules.at(index);
    const arch = modules.arch;
    if (module === null) return this.#behindCall(value, null, 0) === true ? null : 'no image, and no call before it';
    const relPc = value + bias;
    const behindCall = this.#behindCall(value, module, relPc);
    if (behindCall === false) return 'no call before it';
    // Tables and symbols of arm's libraries leave out much of their code, and a stripped program has none.
    if (behindCall === true && (arch.thumb || !module.hasFunctions)) return null;
    const call = relPc - arch.callSize;
    if (module.covers(call) || module.functionAt(call) !== null) return null;
    return 'in no function';
  }

  #followsCall(address: number): boolean | null {
    const index = this.#modules.mappings.find(address);
    if (index < 0) return null;
    const { module, bias } = this.#modules.at(index);
    return this.#behindCall(address, module, address + (module === null ? 0 : bias));
  }

  /**
   * Whether a call of code ends at the address; null when its bytes are not there, or nothing is known of this CPU's
   * calls.
   */
  #behindCall(value: number, module: CodeModule | null, relPc: number): boolean | null {
    const { arch } = this.#modules;
    const decoder = callDecoders[arch.name];
    if (decoder === undefined) return null;
    const { length } = decoder;
    const bit = arch.thumb ? value % 2 : 0;
    let code = module === null ? null : module.code.bytes(relPc - bit - length, length);
    if (code === null || code.length < length) {
      code = this.#call.subarray(0, length);
      if (this.#memory.read(value - bit - length, code) < length) return null;
    }
    // All zero: a file whose code was blanked out tells nothing.
    if (code.every((byte) => byte === 0)) return null;
    const callee = decoder.callee(code, value);
    if (callee === NO_CALL) return false;
    return callee === INDIRECT || this.#modules.mappings.isExecutable(callee);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
