/** The registers of the frame that is being unwound. */
import type { Arch } from '../arch/arch.js';

/** Above this an address is not one: 2^53. */
const HIGH_LIMIT = 0x200000;

/**
 * The registers of the frame that is being unwound, in `arch.registers` order, every bit kept: two 32-bit words per register,
 * low then high. 32-bit CPUs keep the high word 0.
 */
export class RegisterState {
  readonly arch: Arch;
  /** Register `i`: low word at `2 * i`, high word at `2 * i + 1`. */
  readonly words: Uint32Array;
  /** Whether the return address is signed (arm64 pointer authentication, DWARF pseudo register 34); set by the last step. */
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
    this.words = new Uint32Array(2 * arch.registers.length);
  }

  /** Takes over a register file (8 bytes per register, little-endian). Missing bytes are 0. */
  load(file: Uint8Array): void {
    this.returnAddressSigned = false;
    this.dexPc = 0;
    this.signalFrame = false;
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const count = Math.min(this.words.length, file.byteLength >>> 2);
    this.words.fill(0);
    for (let i = 0; i < count; i++) this.words[i] = view.getUint32(4 * i, true);
  }

  copyFrom(other: RegisterState): void {
    this.words.set(other.words);
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
