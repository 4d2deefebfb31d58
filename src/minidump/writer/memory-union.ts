/**
 * Memory lists must not overlap: readers look up addresses by binary search. This makes one list of disjoint pieces, by
 * address, out of blocks that may overlap; of doubly covered bytes the earliest block's are kept.
 */
import type { MemoryBlock } from '../format/records.js';

export interface Piece {
  readonly address: number;
  readonly size: number;
  /** Index of the block that holds the bytes, and where in it the piece begins. */
  readonly block: number;
  readonly offset: number;
}

/** Earlier blocks win. Empty blocks give no piece. O(n log n) but for blocks that overlap. */
export function disjointPieces(blocks: readonly MemoryBlock[]): Piece[] {
  const order = blocks.map((_, index) => index);
  order.sort((a, b) => blocks[a]!.address - blocks[b]!.address || a - b);
  if (isDisjoint(blocks, order)) {
    return order
      .filter((index) => blocks[index]!.bytes.length > 0)
      .map((block) => ({ address: blocks[block]!.address, size: blocks[block]!.bytes.length, block, offset: 0 }));
  }
  return sweep(blocks, order);
}

function isDisjoint(blocks: readonly MemoryBlock[], order: readonly number[]): boolean {
  let end = -1;
  for (const index of order) {
    const block = blocks[index]!;
    if (block.address < end) return false;
    end = Math.max(end, block.address + block.bytes.length);
  }
  return true;
}

/** Walks the block boundaries upwards; between two of them the open block with the lowest index covers. */
function sweep(blocks: readonly MemoryBlock[], order: readonly number[]): Piece[] {
  const bounds: number[] = [];
  for (const block of blocks) {
    if (block.bytes.length > 0) bounds.push(block.address, block.address + block.bytes.length);
  }
  bounds.sort((a, b) => a - b);
  const pieces: Piece[] = [];
  let open: number[] = [];
  let next = 0;
  for (let i = 0; i + 1 < bounds.length; i++) {
    const from = bounds[i]!;
    const to = bounds[i + 1]!;
    if (from === to) continue;
    while (next < order.length && blocks[order[next]!]!.address <= from) open.push(order[next++]!);
    open = open.filter((index) => blocks[index]!.address + blocks[index]!.bytes.length > from);
    if (open.length === 0) continue;
    const block = Math.min(...open);
    const last = pieces.at(-1);
    if (last !== undefined && last.block === block && last.address + last.size === from) {
      pieces[pieces.length - 1] = { ...last, size: last.size + to - from };
    } else {
      pieces.push({ address: from, size: to - from, block, offset: from - blocks[block]!.address });
    }
  }
  return pieces;
}
