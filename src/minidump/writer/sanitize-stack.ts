/**
 * Takes a program's data out of a copied stack and leaves what an unwinder needs: return addresses, saved stack
 * pointers, small numbers. Every aligned word that is none of these becomes 0x0defaced (twice in a 64-bit word), what
 * lies below sp becomes zero.
 */
import type { MemoryBlock } from '../format/records.js';

export interface AddressRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface SanitizeFacts {
  readonly wordSize: 4 | 8;
  readonly sp: number;
  /** The mapping that holds the stack. */
  readonly stack: AddressRange;
  /** Executable mappings, ascending and disjoint. */
  readonly code: readonly AddressRange[];
  /** Bits of a pointer that are address: arm64 has tags and authentication codes above (48). */
  readonly addressBits: number;
}

const DEFACED = 0x0defaced;
/** Integers from -4096 to 4096 are kept. */
const SMALL = 4096;

/** A new block; the given one is not changed. Bytes of a word that is not wholly in it become zero. */
export function sanitizeStack(stack: MemoryBlock, facts: SanitizeFacts): MemoryBlock {
  const { wordSize } = facts;
  const from = stack.bytes;
  const bytes = new Uint8Array(from.length);
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const out = new DataView(bytes.buffer);
  const start = Math.ceil(Math.max(facts.sp, stack.address) / wordSize) * wordSize - stack.address;
  const isCode = lookup(facts.code);
  // Above this many bits of the high half there is no address.
  const highBits = facts.addressBits >= 64 ? 0xffffffff : 2 ** Math.max(0, facts.addressBits - 32) - 1;
  for (let at = start; at + wordSize <= from.length; at += wordSize) {
    const low = view.getUint32(at, true);
    const high = wordSize === 8 ? view.getUint32(at + 4, true) : 0;
    const address = (wordSize === 8 ? (high & highBits) >>> 0 : 0) * 0x100000000 + low;
    const keep =
      isSmall(low, high, wordSize) || (address >= facts.stack.start && address < facts.stack.end) || isCode(address);
    out.setUint32(at, keep ? low : DEFACED, true);
    if (wordSize === 8) out.setUint32(at + 4, keep ? high : DEFACED, true);
  }
  return { address: stack.address, bytes };
}

function isSmall(low: number, high: number, wordSize: 4 | 8): boolean {
  if (high === 0 && low <= SMALL) return true;
  return (wordSize === 4 || high === 0xffffffff) && low >= 0x100000000 - SMALL;
}

function lookup(ranges: readonly AddressRange[]): (address: number) => boolean {
  return (address) => {
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low]!.start <= address;
  };
}
