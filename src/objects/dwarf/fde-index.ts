/**
 * Where the FDEs of a section are, by address: read from .eh_frame_hdr's table (LSB Core, "The .eh_frame_hdr section"),
 * or found by going through the section entry by entry.
 */
import { Cursor } from './cursor.js';
import { DwarfError } from './dwarf-error.js';
import { DW_EH_PE_omit, encodedSize, type PointerBases, readPointer } from './encoded-pointer.js';
import type { FrameEntries } from './frame-entry.js';

/** How far back a search goes among FDEs that overlap. */
const MAX_OVERLAP = 1024;

export class FdeIndex {
  readonly count: number;
  /** First addresses, ascending. */
  readonly starts: Float64Array;
  /** Positions of the FDEs in the section. Not proven: a table may lie. */
  readonly positions: Float64Array;
  /** End of FDE i, and the largest end among the FDEs up to i; null when the index does not tell. */
  readonly ends: Float64Array | null;
  readonly #reach: Float64Array | null;

  private constructor(starts: Float64Array, positions: Float64Array, ends: Float64Array | null) {
    this.count = starts.length;
    this.starts = starts;
    this.positions = positions;
    this.ends = ends;
    this.#reach = ends === null ? null : ends.slice();
    const reach = this.#reach;
    if (reach !== null) for (let i = 1; i < reach.length; i++) reach[i] = Math.max(reach[i]!, reach[i - 1]!);
  }

  /** Index of the FDE that may cover `pc`; -1 when none does. Among several, the first of the section. */
  find(pc: number): number {
    const starts = this.starts;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= pc) low = middle + 1;
      else high = middle;
    }
    let candidate = low - 1;
    const ends = this.ends;
    const reach = this.#reach;
    if (candidate < 0 || ends === null || reach === null) return candidate;
    let best = -1;
    for (let i = 0; i < MAX_OVERLAP && candidate >= 0 && reach[candidate]! > pc; i++, candidate--) {
      if (ends[candidate]! > pc && (best < 0 || this.positions[candidate]! < this.positions[best]!)) best = candidate;
    }
    return best;
  }

  /**
   * The binary search table of .eh_frame_hdr.
   *
   * @param bases of the header: `section` and `data` are its address
   * @param frameAddress address of .eh_frame's first byte
   */
  static fromHeader(bytes: Uint8Array, bases: PointerBases, frameAddress: number): FdeIndex | DwarfError {
    const cursor = new Cursor(bytes);
    const version = cursor.u8();
    if (version !== 1) return new DwarfError(`.eh_frame_hdr: version ${version}`);
    const pointerEncoding = cursor.u8();
    const countEncoding = cursor.u8();
    const tableEncoding = cursor.u8();
    readPointer(cursor, pointerEncoding, bases, 0);
    const declared = countEncoding === DW_EH_PE_omit ? 0 : readPointer(cursor, countEncoding, bases, 0);
    const size = encodedSize(tableEncoding, bases.wordSize);
    if (cursor.failed || size === 0) return new DwarfError('.eh_frame_hdr: no search table');
    const count = Math.min(declared, Math.floor(cursor.remaining / (2 * size)));
    if (!(count > 0)) return new DwarfError('.eh_frame_hdr: empty search table');
    const starts = new Float64Array(count);
    const positions = new Float64Array(count);
    let sorted = true;
    for (let i = 0; i < count; i++) {
      starts[i] = readPointer(cursor, tableEncoding, bases, 0);
      positions[i] = readPointer(cursor, tableEncoding, bases, 0) - frameAddress;
      if (cursor.failed) return new DwarfError(`.eh_frame_hdr: entry ${i} of ${count}`);
      if (i > 0 && starts[i]! < starts[i - 1]!) sorted = false;
    }
    return sorted ? new FdeIndex(starts, positions, null) : FdeIndex.sorted(starts, positions, null);
  }

  /** Goes through the section. Entries that cannot be read are left out; one without a usable length ends the walk. */
  static fromSection(entries: FrameEntries): FdeIndex {
    let capacity = 256;
    let starts = new Float64Array(capacity);
    let ends = new Float64Array(capacity);
    let positions = new Float64Array(capacity);
    let count = 0;
    const size = entries.section.bytes.length;
    for (let position = 0; position < size; ) {
      const header = entries.header(position);
      if (header === null || header instanceof DwarfError) break;
      if (header.cie >= 0 && header.cie !== position) {
        const fde = entries.fde(position);
        if (fde !== null && !(fde instanceof DwarfError) && fde.end > fde.start) {
          if (count === capacity) {
            capacity *= 2;
            starts = grown(starts, capacity);
            ends = grown(ends, capacity);
            positions = grown(positions, capacity);
          }
          starts[count] = fde.start;
          ends[count] = fde.end;
          positions[count] = position;
          count++;
        }
      }
      position = header.end;
    }
    return FdeIndex.sorted(starts.slice(0, count), positions.slice(0, count), ends.slice(0, count));
  }

  private static sorted(starts: Float64Array, positions: Float64Array, ends: Float64Array | null): FdeIndex {
    const order = new Uint32Array(starts.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    order.sort((a, b) => starts[a]! - starts[b]! || positions[a]! - positions[b]!);
    const pick = (values: Float64Array): Float64Array => Float64Array.from(order, (i) => values[i]!);
    return new FdeIndex(pick(starts), pick(positions), ends === null ? null : pick(ends));
  }
}

function grown(values: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(values);
  return larger;
}
