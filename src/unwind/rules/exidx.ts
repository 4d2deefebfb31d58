/** One step by ARM's exception index. */
import type { WordMemory } from '../../bytes/word-memory.js';
import { EXIDX } from '../frame.js';
import type { RegisterState } from '../registers.js';
import { EXIDX_ADD, EXIDX_POP, type ExidxProgram, prel31, readExidxEntry, type WordReader } from './exidx-program.js';
import { FAILED, FINISHED, NOT_COVERED, STEPPED, type Stepper, type StepStatus } from './stepper.js';

/** Bytes of an index entry: prel31 to the function, then the word that says how to unwind it. */
const ENTRY = 8;

const SP = 13;
const LR = 14;
const PC = 15;

/** Where a compiled entry begins in the pool, or one of these. */
const UNKNOWN = -1;
const ENDS = -2;
const BROKEN = -3;

/**
 * Unwinds by ARM's exception index (.ARM.exidx): an index of function starts in which every pc has an entry, the last
 * one that begins at or before it. So it is asked only after all DWARF, which knows what it does not cover.
 *
 * The index is read once; an entry is translated when it is first needed.
 */
export class ExidxStepper implements Stepper {
  readonly trust = EXIDX;
  readonly #word: WordReader;
  readonly #index: number;
  readonly #starts: Uint32Array;
  readonly #words: Uint32Array;
  readonly #places: Int32Array;
  missing = -1;
  /** Whether the last step was refused: the entry says that its functions cannot be unwound. */
  refused = false;
  /** Translated entries behind each other: number of pairs, then the pairs. */
  #pool = new Int32Array(256);
  #used = 0;

  private constructor(index: number, bytes: Uint8Array, word: WordReader) {
    const count = Math.floor(bytes.length / ENTRY);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#word = word;
    this.#index = index;
    this.#starts = new Uint32Array(count);
    this.#words = new Uint32Array(count);
    this.#places = new Int32Array(count).fill(UNKNOWN);
    for (let i = 0; i < count; i++) {
      // Bit 0 tells Thumb where the linker resolved against a function symbol: it is no part of the address.
      this.#starts[i] = prel31(index + i * ENTRY, view.getUint32(i * ENTRY, true)) & ~1;
      this.#words[i] = view.getUint32(i * ENTRY + 4, true);
    }
  }

  /**
   * Null for an index without an entry.
   *
   * @param index address of the index, and `bytes` its contents
   * @param word reads .ARM.extab
   */
  static of(index: number, bytes: Uint8Array, word: WordReader): ExidxStepper | null {
    return bytes.length < ENTRY ? null : new ExidxStepper(index, bytes, word);
  }

  get errorText(): string {
    return 'its entry is broken or memory is missing';
  }

  covers(pc: number): boolean {
    return this.find(pc) >= 0;
  }

  describe(): string {
    return '';
  }

  /** Functions in the index. */
  get size(): number {
    return this.#starts.length;
  }

  /** Bytes that the arrays take: for a cache's bound. */
  get byteLength(): number {
    return this.#starts.byteLength + this.#words.byteLength + this.#places.byteLength + this.#pool.byteLength;
  }

  /** Index of the entry that covers `pc`: the last that begins at or before it; -1 before the first. */
  find(pc: number): number {
    let first = 0;
    let last = this.#starts.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (pc < this.#starts[middle]!) last = middle;
      else first = middle + 1;
    }
    return first - 1;
  }

  /** Where the entry that covers `pc` begins: functions of one entry follow each other. */
  functionBound(pc: number): number {
    return this.#starts[this.find(pc)] ?? 0;
  }

  /** What the entry says, for an explanation; `step` uses a translated copy. */
  program(entry: number): ExidxProgram {
    const word = this.#words[entry];
    if (word === undefined) return 'unreadable';
    return readExidxEntry(this.#index + entry * ENTRY + 4, word, this.#word);
  }

  step(pc: number, registers: RegisterState, memory: WordMemory): StepStatus {
    const entry = this.find(pc);
    this.refused = false;
    this.missing = -1;
    if (entry < 0) return NOT_COVERED;
    let place = this.#places[entry]!;
    if (place === UNKNOWN) place = this.#translate(entry);
    if (place === ENDS) {
      this.refused = true;
      return FINISHED;
    }
    if (place === BROKEN) return FAILED;
    return this.#run(place, registers, memory);
  }

  #run(place: number, registers: RegisterState, memory: WordMemory): StepStatus {
    const words = registers.words;
    const pool = this.#pool;
    const end = place + 1 + 2 * pool[place]!;
    // r0 to r3 and the scratch register are the callee's; lr is only what the program pops.
    let known = registers.known & registers.kept.known;
    let vsp = words[2 * SP]!;
    let pcPopped = false;
    for (let at = place + 1; at < end; at += 2) {
      const operand = pool[at + 1]!;
      const op = pool[at];
      if (op === EXIDX_ADD) {
        vsp = (vsp + operand) >>> 0;
      } else if (op === EXIDX_POP) {
        for (let register = 0; register <= PC; register++) {
          if ((operand & (1 << register)) === 0) continue;
          if (!memory.word32(vsp)) {
            this.missing = vsp;
            return FAILED;
          }
          words[2 * register] = memory.lo;
          known |= 1 << register;
          vsp = (vsp + 4) >>> 0;
        }
        if ((operand & (1 << SP)) !== 0) vsp = words[2 * SP]!;
        if ((operand & (1 << PC)) !== 0) pcPopped = true;
      } else {
        if (((known | registers.known) & (1 << operand)) === 0) return FAILED;
        vsp = words[2 * operand]!;
      }
    }
    if (!pcPopped) {
      if (((known | registers.known) & (1 << LR)) === 0) return FAILED;
      words[2 * PC] = words[2 * LR]!;
    }
    registers.known = known | (1 << SP) | (1 << PC);
    registers.knownAbove = 0;
    words[2 * SP] = vsp;
    return words[2 * PC] === 0 ? FINISHED : STEPPED;
  }

  #translate(entry: number): number {
    const program = this.program(entry);
    let place: number;
    if (typeof program === 'string') {
      place = program === 'cantunwind' || program === 'refuse' ? ENDS : BROKEN;
    } else {
      place = this.#used;
      const end = place + 1 + program.length;
      if (end > this.#pool.length) {
        const larger = new Int32Array(2 * end);
        larger.set(this.#pool);
        this.#pool = larger;
      }
      this.#pool[place] = program.length / 2;
      this.#pool.set(program, place + 1);
      this.#used = end;
    }
    this.#places[entry] = place;
    return place;
  }
}
