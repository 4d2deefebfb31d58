/** The registers of the frame that is being unwound, and which of them are known. */
import type { Arch } from '../arch/arch.js';

/** Registers of one CPU as a mask; see `RegisterState.known`. */
export interface RegisterSet {
  readonly known: number;
  readonly knownAbove: number;
}

/** The mask of these registers. */
export function registerSet(indices: readonly number[]): RegisterSet {
  let known = 0;
  let knownAbove = 0;
  for (const index of indices) {
    if (index < 32) known |= 1 << index;
    else knownAbove |= 1 << index;
  }
  return { known, knownAbove };
}

/** Above this an address is not one: 2^53. */
const HIGH_LIMIT = 0x200000;
const ALL = -1;

/**
 * The registers of the frame that is being unwound, in `arch.registers` order, every bit kept: two 32-bit words per
 * register, low then high. 32-bit CPUs keep the high word 0.
 *
 * A register may be unknown: the word is then whatever an inner frame had there. `pc` and `sp` always are known.
 */
export class RegisterState {
  readonly arch: Arch;
  /** The registers that every function keeps. */
  readonly kept: RegisterSet;
  /** Register `i`: low word at `2 * i`, high word at `2 * i + 1`. */
  readonly words: Uint32Array;
  /**
   * The registers that are known, as a mask: of register `i` bit `i` of `known`, from 32 on bit `i - 32` of
   * `knownAbove`.
   */
  known = ALL;
  knownAbove = ALL;
  /**
   * Whether the return address is signed (arm64 pointer authentication, DWARF pseudo register 34); set by the last
   * step.
   */
  returnAddressSigned = false;
  /** Dex pc found by the last step, 0 when none. */
  dexPc = 0;
  /** Whether the last step went over a signal frame (its pc was not a return address). */
  signalFrame = false;
  /** Bits of a code address that carry a signature or tag (arm64), as two words. */
  pacMaskLow = 0;
  pacMaskHigh = 0;

  constructor(arch: Arch) {
    this.arch = arch;
    this.kept = registerSet(arch.calleeSaved);
    this.words = new Uint32Array(2 * arch.registers.length);
  }

  /** Takes over a register file (8 bytes per register, little-endian). Missing bytes are 0. */
  load(file: Uint8Array): void {
    this.returnAddressSigned = false;
    this.dexPc = 0;
    this.signalFrame = false;
    this.known = ALL;
    this.knownAbove = ALL;
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const count = Math.min(this.words.length, file.byteLength >>> 2);
    this.words.fill(0);
    for (let i = 0; i < count; i++) this.words[i] = view.getUint32(4 * i, true);
  }

  copyFrom(other: RegisterState): void {
    this.words.set(other.words);
    this.known = other.known;
    this.knownAbove = other.knownAbove;
    this.returnAddressSigned = other.returnAddressSigned;
    this.dexPc = other.dexPc;
    this.signalFrame = other.signalFrame;
    this.pacMaskLow = other.pacMaskLow;
    this.pacMaskHigh = other.pacMaskHigh;
  }

  /** The register as an address: exact below 2^53, not a safe integer above. */
  get(index: number): number {
    return this.words[2 * index + 1]! * 0x100000000 + this.words[2 * index]!;
  }

  isKnown(index: number): boolean {
    return ((index < 32 ? this.known : this.knownAbove) & (1 << index)) !== 0;
  }

  setKnown(index: number): void {
    if (index < 32) this.known |= 1 << index;
    else this.knownAbove |= 1 << index;
  }

  /** Of the registers that are known, only those stay so that every function keeps; `pc` and `sp` are known. */
  keepKept(): void {
    this.known &= this.kept.known;
    this.knownAbove &= this.kept.knownAbove;
    this.setKnown(this.arch.pc);
    this.setKnown(this.arch.sp);
  }

  /**
   * Nothing but `pc`, `sp` and, where told, the frame pointer is known: what is left after a frame of which no rule is
   * known.
   */
  knowLittle(framePointer: boolean): void {
    this.known = 0;
    this.knownAbove = 0;
    this.setKnown(this.arch.pc);
    this.setKnown(this.arch.sp);
    if (framePointer && this.arch.fp >= 0) this.setKnown(this.arch.fp);
  }

  /** Whether the register can be an address at all. */
  isAddress(index: number): boolean {
    return this.words[2 * index + 1]! < HIGH_LIMIT;
  }

  set(index: number, value: number): void {
    this.words[2 * index] = value;
    this.words[2 * index + 1] = Math.floor(value / 0x100000000);
  }

  setWords(index: number, low: number, high: number): void {
    this.words[2 * index] = low;
    this.words[2 * index + 1] = high;
  }

  get pc(): number {
    return this.get(this.arch.pc);
  }

  get sp(): number {
    return this.get(this.arch.sp);
  }
}
