/** The search of a stack for a value that looks like a return address. */
import type { WordMemory } from '../../bytes/word-memory.js';
import type { RegisterState } from '../registers.js';

const TWO32 = 0x100000000;
/** Words searched for a return address: the C library's qsort has frames of 130, buffers of 4 KiB are usual. */
const FRAME_WORDS = 640;
/** Words searched on one stack at most. */
const TOTAL_WORDS = 8192;

/** Judges a value on the stack: null when it may be a return address, else why not. */
export type Judge = (value: number) => string | null;

/** Looks for a return address on the stack. Guesses, so it comes last and its budget is small. */
export class StackScanner {
  /** Words still to be searched on this stack. */
  #budget = TOTAL_WORDS;

  /** Begins a new stack. */
  reset(): void {
    this.#budget = TOTAL_WORDS;
  }

  /**
   * Takes the first word from sp on that `judge` accepts as the return address; the word above it is the caller's sp.
   *
   * @param onReject told of values that point to code but were not taken
   */
  step(
    registers: RegisterState,
    memory: WordMemory,
    judge: Judge,
    onReject: ((address: number, value: number, why: string) => void) | null,
  ): boolean {
    const { arch } = registers;
    const word = arch.wordSize;
    const from = Math.ceil(registers.sp / word) * word;
    const words = Math.min(FRAME_WORDS, this.#budget);
    for (let i = 0; i < words; i++) {
      this.#budget--;
      const address = from + i * word;
      if (!(word === 8 ? memory.word64(address) : memory.word32(address))) return false;
      const low = (memory.lo & ~registers.pacMaskLow) >>> 0;
      const high = (memory.hi & ~registers.pacMaskHigh) >>> 0;
      const value = high * TWO32 + low;
      if (value < 4096) continue;
      const why = judge(value);
      if (why !== null) {
        if (why !== '' && onReject !== null) onReject(address, value, why);
        continue;
      }
      const framePointer = this.#framePointer(registers, memory, address);
      registers.setWords(arch.pc, low, high);
      registers.set(arch.sp, address + word);
      registers.knowLittle(framePointer);
      return true;
    }
    return false;
  }

  /**
   * Whether the caller's frame pointer is known: where the frame's was saved right below the return address, it is
   * there; where it points above that, no inner function has changed it.
   */
  #framePointer(registers: RegisterState, memory: WordMemory, address: number): boolean {
    const { arch } = registers;
    if (arch.fp < 0 || arch.frameRecord === null || !registers.isKnown(arch.fp)) return false;
    const saved = address - arch.wordSize;
    const fp = registers.get(arch.fp);
    if (fp !== saved) return fp > saved;
    if (!(arch.wordSize === 8 ? memory.word64(saved) : memory.word32(saved))) return false;
    registers.setWords(arch.fp, memory.lo, memory.hi);
    return true;
  }
}
