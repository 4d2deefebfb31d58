/**
 * Numbers as the reports print them: fixed-width lower-case hexadecimal, 16 digits for 64-bit CPUs and 8 for 32-bit
 * ones.
 */
import type { Arch } from '../../arch/arch.js';

const ZEROS = '0000000000000000';
/** The two digits of each byte. Number's own toString takes four times as long for what exceeds 31 bits. */
const BYTES = Array.from({ length: 256 }, (_, byte) => (byte < 16 ? '0' : '') + byte.toString(16));

/** The eight digits of an unsigned 32-bit number. */
function wordHex(word: number): string {
  return BYTES[word >>> 24]! + BYTES[(word >>> 16) & 255]! + BYTES[(word >>> 8) & 255]! + BYTES[word & 255]!;
}

/** `value` (a non-negative Number) with at least `digits` digits. */
export function hex(value: number, digits: number): string {
  if (digits === 16 && value < 2 ** 64) return wordHex(Math.floor(value / 2 ** 32)) + wordHex(value % 2 ** 32);
  if (digits === 8 && value < 2 ** 32) return wordHex(value);
  const text = value.toString(16);
  return text.length >= digits ? text : ZEROS.slice(text.length, digits) + text;
}

/** Digits of a word of this CPU. */
export function wordDigits(arch: Arch): 8 | 16 {
  return arch.wordSize === 8 ? 16 : 8;
}

/** An address, as wide as a word of the CPU (C: PRIPTR). */
export function address(value: number, arch: Arch): string {
  return hex(value, wordDigits(arch));
}

/** The 32-bit little-endian number at `offset`. */
export function u32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}

/** The little-endian number of 8 or 16 digits at `offset`, all bits kept. */
export function littleEndianHex(bytes: Uint8Array, offset: number, digits: 8 | 16): string {
  const low = wordHex(u32(bytes, offset));
  return digits === 16 ? wordHex(u32(bytes, offset + 4)) + low : low;
}
