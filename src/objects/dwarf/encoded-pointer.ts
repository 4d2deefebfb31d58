/**
 * Pointers as .eh_frame and .eh_frame_hdr encode them: low four bits the format, next three what the value is relative
 * to, top bit whether the result is the address of the pointer. Source: Linux Standard Base Core, "DWARF Exception
 * Header Encoding".
 */
import type { Cursor } from './cursor.js';

export const DW_EH_PE_omit = 0xff;
const DW_EH_PE_indirect = 0x80;

/** What encoded values are relative to, and where they are. */
export interface PointerBases {
  readonly wordSize: 4 | 8;
  /** Address of the section's first byte: a value at position p has address `section + p`. */
  readonly section: number;
  /** Address of .text, for textrel. */
  readonly text: number;
  /** Address that datarel means: .got in .eh_frame, the section itself in .eh_frame_hdr. */
  readonly data: number;
  /** The word at an address of the image, for indirect pointers; NaN when it has none. */
  readonly wordAt: (address: number) => number;
}

/** Bytes of a fixed-size format, 0 for LEB128, omit and unknown ones. */
export function encodedSize(encoding: number, wordSize: 4 | 8): number {
  if (encoding === DW_EH_PE_omit) return 0;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x08:
      return wordSize;
    case 0x02:
    case 0x0a:
      return 2;
    case 0x03:
    case 0x0b:
      return 4;
    case 0x04:
    case 0x0c:
      return 8;
    default:
      return 0;
  }
}

/** A value without its base, signed where the format is. Fails the cursor for formats that do not exist. */
export function readValue(cursor: Cursor, encoding: number, wordSize: 4 | 8): number {
  switch (encoding & 0x0f) {
    case 0x00:
      return wordSize === 8 ? cursor.i64() : cursor.u32();
    case 0x01:
      return cursor.uleb();
    case 0x02:
      return cursor.u16();
    case 0x03:
      return cursor.u32();
    case 0x04:
    case 0x0c:
      return cursor.i64();
    case 0x08:
      return wordSize === 8 ? cursor.i64() : cursor.i32();
    case 0x09:
      return cursor.sleb();
    case 0x0a:
      return cursor.i16();
    case 0x0b:
      return cursor.i32();
    default:
      cursor.failed = true;
      return 0;
  }
}

/**
 * A pointer at the cursor, as an address of the image. Fails the cursor for unknown encodings, for addresses beyond the
 * word, and for 64-bit ones that a Number cannot hold.
 *
 * @param func what funcrel means: the start of the function; 0 where it has no meaning
 */
export function readPointer(cursor: Cursor, encoding: number, bases: PointerBases, func: number): number {
  if (encoding === DW_EH_PE_omit) return 0;
  const word = bases.wordSize;
  if ((encoding & 0x70) === 0x50) {
    // Aligned: an absolute word at the next multiple of its size (of the address, not of the position).
    const misaligned = (bases.section + cursor.at) % word;
    if (misaligned !== 0) cursor.skip(word - misaligned);
    return checked(cursor, readValue(cursor, 0, word), word);
  }
  const position = cursor.at;
  let value = readValue(cursor, encoding, word);
  switch (encoding & 0x70) {
    case 0x00:
      break;
    case 0x10:
      value += bases.section + position;
      break;
    case 0x20:
      value += bases.text;
      break;
    case 0x30:
      value += bases.data;
      break;
    case 0x40:
      value += func;
      break;
    default:
      cursor.failed = true;
      return 0;
  }
  value = checked(cursor, value, word);
  if ((encoding & DW_EH_PE_indirect) !== 0 && !cursor.failed) value = checked(cursor, bases.wordAt(value), word);
  return value;
}

function checked(cursor: Cursor, value: number, wordSize: 4 | 8): number {
  if (wordSize === 4 && Number.isSafeInteger(value)) return value - Math.floor(value / 0x100000000) * 0x100000000;
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  cursor.failed = true;
  return 0;
}
