/**
 * Common information entries and frame description entries, of .eh_frame and .debug_frame. Sources: DWARF 4 §6.4.1 (and
 * DWARF 5, whose CIEs have the same layout), LSB Core "The .eh_frame section"; the augmentations `B` and `G` are of the
 * AArch64 ABI.
 */
import { Cursor } from './cursor.js';
import { DwarfError } from './dwarf-error.js';
import { DW_EH_PE_omit, type PointerBases, readPointer, readValue } from './encoded-pointer.js';

/** A section of frame entries: its bytes and what its pointers are relative to. */
export interface FrameSection {
  readonly bytes: Uint8Array;
  readonly bases: PointerBases;
  /**
   * .eh_frame: CIE id 0, and CIE pointers that count backwards from themselves. Else .debug_frame: id -1, offsets in
   * the section.
   */
  readonly eh: boolean;
}

/** Length and id of an entry, and where the rest lies. Positions are in the section. */
export interface EntryHeader {
  /** Position of the byte after the id or CIE pointer. */
  readonly body: number;
  /** Position after the entry. */
  readonly end: number;
  /** Position of the FDE's CIE; -1 for a CIE. */
  readonly cie: number;
  /** Bytes per section offset: 8 in 64-bit DWARF. */
  readonly offsetSize: 4 | 8;
}

export interface Cie {
  readonly codeAlign: number;
  readonly dataAlign: number;
  /** DWARF number of the return address column. */
  readonly returnColumn: number;
  /** Encoding of the FDEs' addresses. */
  readonly addressEncoding: number;
  readonly segmentSize: number;
  /** FDEs have an augmentation length (`z`). */
  readonly augmented: boolean;
  /** `S`: the frames are signal frames. */
  readonly signalFrame: boolean;
  /** Initial instructions. */
  readonly from: number;
  readonly to: number;
}

export interface Fde {
  readonly cie: Cie;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Instructions. */
  readonly from: number;
  readonly to: number;
}

/** No real augmentation string is longer. */
const AUGMENTATION_LIMIT = 32;

/** Reads entries of one section, keeping its CIEs. */
export class FrameEntries {
  readonly section: FrameSection;
  readonly cursor: Cursor;
  readonly #cies = new Map<number, Cie | DwarfError>();

  constructor(section: FrameSection) {
    this.section = section;
    this.cursor = new Cursor(section.bytes);
  }

  /**
   * The header of the entry at `position`: null at the section's end, a terminator (length 0) has its end right behind
   * its length.
   */
  header(position: number): EntryHeader | DwarfError | null {
    const cursor = this.cursor;
    const { bytes, eh } = this.section;
    if (position === bytes.length) return null;
    cursor.range(position, bytes.length);
    let length = cursor.u32();
    let offsetSize: 4 | 8 = 4;
    if (length === 0xffffffff) {
      length = cursor.u64();
      offsetSize = 8;
    }
    const start = cursor.at;
    if (cursor.failed || length > bytes.length - start)
      return new DwarfError(`entry at ${position}: it ends beyond the section`);
    const end = start + length;
    if (length === 0) return { body: end, end, cie: position, offsetSize };
    cursor.end = end;
    // In .eh_frame the id is 4 bytes wide even after a 64-bit length.
    const wide = offsetSize === 8 && !eh;
    const low = cursor.u32();
    const high = wide ? cursor.u32() : 0;
    if (cursor.failed) return new DwarfError(`entry at ${position}: no id in ${length} bytes`);
    const isCie = eh ? low === 0 : low === 0xffffffff && (!wide || high === 0xffffffff);
    const cie = isCie ? -1 : eh ? start - low : high * 0x100000000 + low;
    return { body: cursor.at, end, cie, offsetSize };
  }

  cie(position: number): Cie | DwarfError {
    const known = this.#cies.get(position);
    if (known !== undefined) return known;
    const cie = this.#parseCie(position);
    this.#cies.set(position, cie);
    return cie;
  }

  /** The FDE at `position`; null when a CIE or a terminator is there. */
  fde(position: number): Fde | DwarfError | null {
    const header = this.header(position);
    if (header === null || header instanceof DwarfError) return header;
    if (header.cie === -1 || header.cie === position) return null;
    const cie = this.cie(header.cie);
    if (cie instanceof DwarfError) return cie;
    const cursor = this.cursor;
    cursor.range(header.body, header.end);
    cursor.skip(cie.segmentSize);
    const bases = this.section.bases;
    const start = readPointer(cursor, cie.addressEncoding, bases, 0);
    const size = readValue(cursor, cie.addressEncoding, bases.wordSize);
    if (cie.augmented) cursor.skip(cursor.uleb());
    if (cursor.failed)
      return new DwarfError(`FDE at ${position}: it does not fit its ${header.end - header.body} bytes`);
    if (size < 0 || !Number.isSafeInteger(start + size)) return new DwarfError(`FDE at ${position}: size ${size}`);
    return { cie, start, end: start + size, from: cursor.at, to: header.end };
  }

  #parseCie(position: number): Cie | DwarfError {
    const header = this.header(position);
    if (header === null || header instanceof DwarfError)
      return header ?? new DwarfError(`no CIE at ${position}: end of section`);
    if (header.cie !== -1) return new DwarfError(`no CIE at ${position}`);
    const cursor = this.cursor;
    const bases = this.section.bases;
    cursor.range(header.body, header.end);
    const version = cursor.u8();
    if (version !== 1 && version !== 3 && version !== 4 && version !== 5)
      return new DwarfError(`CIE at ${position}: version ${version}`);
    const augmentation = this.#augmentation();
    if (augmentation === null) return new DwarfError(`CIE at ${position}: augmentation string without end`);
    // Old GCC: a pointer to its own exception data.
    if (augmentation.startsWith('eh')) cursor.skip(bases.wordSize);
    let segmentSize = 0;
    if (version >= 4) {
      const size = cursor.u8();
      if (size !== bases.wordSize) return new DwarfError(`CIE at ${position}: addresses of ${size} bytes`);
      segmentSize = cursor.u8();
    }
    const codeAlign = cursor.uleb();
    const dataAlign = cursor.sleb();
    const returnColumn = version === 1 ? cursor.u8() : cursor.uleb();
    let addressEncoding = 0;
    let signalFrame = false;
    const augmented = augmentation.startsWith('z');
    if (augmented) {
      const length = cursor.uleb();
      const end = cursor.at + length;
      if (cursor.failed || end > header.end)
        return new DwarfError(`CIE at ${position}: augmentation of ${length} bytes`);
      letters: for (const letter of augmentation.slice(1)) {
        switch (letter) {
          case 'L':
            cursor.skip(1);
            break;
          case 'P':
            skipPointer(cursor, cursor.u8(), bases);
            break;
          case 'R':
            addressEncoding = cursor.u8();
            break;
          case 'S':
            signalFrame = true;
            break;
          case 'B':
          case 'G':
            break;
          default:
            // What an unknown letter means is unknown, but not where its data ends.
            break letters;
        }
      }
      cursor.range(Math.min(end, header.end), header.end);
    } else if (augmentation !== '' && augmentation !== 'eh') {
      return new DwarfError(`CIE at ${position}: augmentation "${augmentation}"`);
    }
    if (cursor.failed) return new DwarfError(`CIE at ${position}: cut off`);
    if (addressEncoding === DW_EH_PE_omit) return new DwarfError(`CIE at ${position}: FDEs without addresses`);
    return {
      codeAlign,
      dataAlign,
      returnColumn,
      addressEncoding,
      segmentSize,
      augmented,
      signalFrame,
      from: cursor.at,
      to: header.end,
    };
  }

  #augmentation(): string | null {
    let text = '';
    for (let i = 0; i < AUGMENTATION_LIMIT; i++) {
      const byte = this.cursor.u8();
      if (byte === 0) return this.cursor.failed ? null : text;
      text += String.fromCharCode(byte);
    }
    return null;
  }
}

/** Steps over a personality pointer without following it. */
function skipPointer(cursor: Cursor, encoding: number, bases: PointerBases): void {
  if (encoding === DW_EH_PE_omit) return;
  if ((encoding & 0x70) === 0x50) readPointer(cursor, encoding & 0x7f, bases, 0);
  else readValue(cursor, encoding, bases.wordSize);
}
