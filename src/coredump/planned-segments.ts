/** The segments of a core made from a dump: captured runs of memory, and the gaps between them that are mapped. */

import type { MapsEntry } from '../linux/maps.js';
import type { MinidumpRegion } from '../minidump/reader/regions.js';
import { SegmentFlag } from '../objects/elf/layout.js';

/** Memory of the dump's file, or bytes that are in no file. */
export interface CoreRegion extends MinidumpRegion {
  /** Instead of what lies at `rva`. */
  readonly bytes?: Uint8Array;
}

export interface PlannedSegment {
  readonly address: number;
  readonly size: number;
  readonly flags: number;
  /** Neighbouring regions that make up the segment; none for what was not captured. */
  readonly pieces: readonly CoreRegion[];
}

/** Both ascending and disjoint. Captured memory in no mapping gets rw. */
export function coreSegments(maps: readonly MapsEntry[], regions: readonly CoreRegion[]): PlannedSegment[] {
  const segments: PlannedSegment[] = [];
  let region = 0;
  /** Bytes of the current region that a segment has already. */
  let used = 0;
  const capture = (limit: number, flags: number): number => {
    const { address, size } = regions[region]!;
    const start = address + used;
    const end = Math.min(address + size, limit);
    const piece = part(regions[region]!, used, end - start);
    const last = segments.at(-1);
    if (last !== undefined && last.pieces.length > 0 && last.flags === flags && last.address + last.size === start) {
      segments[segments.length - 1] = { ...last, size: last.size + piece.size, pieces: [...last.pieces, piece] };
    } else segments.push({ address: start, size: piece.size, flags, pieces: [piece] });
    used += piece.size;
    if (used === size) {
      region++;
      used = 0;
    }
    return end;
  };
  const startOf = (): number => (region < regions.length ? regions[region]!.address + used : Number.POSITIVE_INFINITY);

  for (const { start, end, perms } of maps) {
    while (startOf() < start) capture(start, SegmentFlag.r | SegmentFlag.w);
    for (let at = start; at < end; ) {
      const next = Math.min(startOf(), end);
      if (next > at) segments.push({ address: at, size: next - at, flags: flagsOf(perms), pieces: [] });
      at = next < end ? capture(end, flagsOf(perms)) : end;
    }
  }
  while (region < regions.length) capture(Number.POSITIVE_INFINITY, SegmentFlag.r | SegmentFlag.w);
  return segments;
}

/** A part of a region. */
export function part(each: CoreRegion, offset: number, size: number): CoreRegion {
  const { address, rva, bytes } = each;
  const cut = bytes === undefined ? {} : { bytes: bytes.subarray(offset, offset + size) };
  return { address: address + offset, size, rva: rva + offset, ...cut };
}

function flagsOf(perms: string): number {
  return (
    (perms[0] === 'r' ? SegmentFlag.r : 0) |
    (perms[1] === 'w' ? SegmentFlag.w : 0) |
    (perms[2] === 'x' ? SegmentFlag.x : 0)
  );
}
