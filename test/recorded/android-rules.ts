/** The rule set under which the walk does what Android's unwinder (libunwindstack) does, frame by frame. */
import type { WordMemory } from '../../src/bytes/word-memory.js';
import { LEAF } from '../../src/unwind/frame.js';
import type { FrameBuffer } from '../../src/unwind/frame-buffer.js';
import { type Guesses, NO_WAY_ON } from '../../src/unwind/guesses/guesses.js';
import type { MappingTable } from '../../src/unwind/mapping-table.js';
import type { RegisterState } from '../../src/unwind/registers.js';
import { DEFAULT_RULES, type RuleSet } from '../../src/unwind/rule-set.js';

/**
 * One guess, which must lead to a frame that can be stepped: the pc, and nothing else, is what a call would have left.
 */
class Speculation implements Guesses {
  readonly #mappings: MappingTable;
  readonly #memory: WordMemory;
  /** The next frame is the guess. */
  #speculative = false;

  constructor(mappings: MappingTable, memory: WordMemory) {
    this.#mappings = mappings;
    this.#memory = memory;
  }

  reset(): void {
    this.#speculative = false;
  }

  stepped(): void {
    this.#speculative = false;
  }

  /** With two frames and a wild first pc, the guess is all there is. */
  drops(frames: FrameBuffer): boolean {
    return this.#speculative && (frames.count > 2 || this.#mappings.find(frames.pc[0]!) >= 0);
  }

  step(registers: RegisterState): number {
    if (this.#speculative) return NO_WAY_ON;
    const { pc, lr, returnOnStack, wordSize } = registers.arch;
    let low = registers.words[2 * lr]!;
    let high = registers.words[2 * lr + 1]!;
    if (returnOnStack) {
      const memory = this.#memory;
      if (!(wordSize === 8 ? memory.word64(registers.sp) : memory.word32(registers.sp))) return NO_WAY_ON;
      low = memory.lo;
      high = memory.hi;
    }
    if (registers.words[2 * pc] === low && registers.words[2 * pc + 1] === high) return NO_WAY_ON;
    registers.setWords(pc, low, high);
    this.#speculative = true;
    return LEAF;
  }
}

export const ANDROID_RULES: RuleSet = {
  guesses: ({ mappings }, memory) => new Speculation(mappings, memory),
  checkTables: false,
  registerValidity: false,
  guessAddressMask: false,
  trampolinesAnywhere: false,
  elf: { memoryBehindFiles: false, wholeSplitImages: true, searchBehindHeader: false, allInnerNames: false },
  runtime: { jitSections: false, dexScan: false, dexOutsideMappings: false },
};

/** For tests that hold under both. */
export function rulesOf(android: boolean): RuleSet {
  return android ? ANDROID_RULES : DEFAULT_RULES;
}
