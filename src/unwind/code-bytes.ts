/**
 * The bytes of a module's code, and what the walk reads out of them: signal trampolines, and the sizes of Thumb calls.
 */
import type { Arch } from '../arch/arch.js';

const CACHE = 256;
const THUMB_CALL = 0xe000f000;

/** The code of one module, by the module's addresses. What was looked at is kept: a module serves many threads. */
export class CodeBytes {
  /** The address of the module's first byte. */
  readonly first: number;
  readonly #arch: Arch;
  readonly #read: (offset: number, length: number) => Uint8Array;
  readonly #trampolinePc = new Float64Array(CACHE).fill(-1);
  readonly #trampoline = new Int8Array(CACHE);
  readonly #callPc = new Float64Array(CACHE).fill(-1);
  readonly #call = new Int8Array(CACHE);

  /**
   * @param read up to `length` bytes at an offset from the module's first byte; fewer, or none, where they are not at
   * hand
   */
  constructor(arch: Arch, first: number, read: (offset: number, length: number) => Uint8Array) {
    this.#arch = arch;
    this.first = first;
    this.#read = read;
  }

  bytes(address: number, length: number): Uint8Array {
    return this.#read(address - this.first, length);
  }

  /** Index in `arch.trampolines` of the signal trampoline that begins at this address; -1 for none. */
  trampolineAt(address: number): number {
    const offset = address - this.first;
    if (!(offset >= 0)) return -1;
    const slot = (offset ^ (offset >>> 8)) & (CACHE - 1);
    if (this.#trampolinePc[slot] !== offset) {
      this.#trampolinePc[slot] = offset;
      this.#trampoline[slot] = matchTrampoline(this.#arch, this.#read(offset, 16));
    }
    return this.#trampoline[slot]!;
  }

  /**
   * Thumb: bytes of the call that ends at this return address (bit 0 set): 4 when the halfwords before it are a 32-bit
   * instruction of the kind that BL and BLX are, else 2.
   */
  thumbCallSize(address: number): number {
    const offset = address - this.first;
    const slot = (offset ^ (offset >>> 8)) & (CACHE - 1);
    if (this.#callPc[slot] !== offset) {
      this.#callPc[slot] = offset;
      const bytes = this.#read(offset - 5, 4);
      const word = bytes.length < 4 ? 0 : bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
      this.#call[slot] = (word & THUMB_CALL) >>> 0 === THUMB_CALL ? 4 : 2;
    }
    return this.#call[slot]!;
  }
}

/** Index of the trampoline whose code `bytes` begin with; -1 for none. */
export function matchTrampoline(arch: Arch, bytes: Uint8Array): number {
  return arch.trampolines.findIndex((trampoline) =>
    trampoline.code.some((code) => code.length <= bytes.length && code.every((byte, i) => bytes[i] === byte)),
  );
}
