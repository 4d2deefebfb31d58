/**
 * What a program has chosen for its dump: a kind, and ranges of memory that it has registered. Layout:
 * native/client/src/annotations.h. All of it is the target's: an unknown kind is none, and what is not mapped readable
 * is left out.
 */
import type { MapsEntry } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import { TABLE_MAGIC } from './annotations.js';
import { clip } from './memory-near.js';

const KIND = { offset: 8, registered: 0, full: 2 } as const;
const RANGES = { offset: 201_760, count: 64, size: 16 } as const;
/** A range costs its descriptor and padding beside its bytes. */
const RANGE_COST = 24;

export interface DumpChoice {
  /** All memory that there is room for. */
  readonly full: boolean;
  readonly registered: readonly CopyRange[];
}

const NOTHING: DumpChoice = { full: false, registered: [] };

/**
 * `address`: of the program's annotations, 0: it has none. `read`: what is readable of each range from its begin on.
 */
export function readChoice(
  address: number,
  read: (ranges: readonly CopyRange[]) => readonly { readonly bytes: Buffer }[],
): DumpChoice {
  if (address <= 0) return NOTHING;
  const [head, table] = read([
    { address, size: KIND.offset + 4 },
    { address: address + RANGES.offset, size: RANGES.count * RANGES.size },
  ]);
  if (head === undefined || head.bytes.length < KIND.offset + 4 || !head.bytes.subarray(0, 8).equals(TABLE_MAGIC))
    return NOTHING;
  const kind = head.bytes.readUInt32LE(KIND.offset);
  if (kind === KIND.full) return { full: true, registered: registeredIn(table?.bytes) };
  return kind === KIND.registered ? { full: false, registered: registeredIn(table?.bytes) } : NOTHING;
}

function registeredIn(table: Buffer = Buffer.alloc(0)): CopyRange[] {
  const ranges: CopyRange[] = [];
  for (let at = 0; at + RANGES.size <= table.length; at += RANGES.size) {
    const address = table.readBigUInt64LE(at);
    const size = table.readBigUInt64LE(at + 8);
    if (address === 0n || size === 0n || address + size > BigInt(Number.MAX_SAFE_INTEGER)) continue;
    ranges.push({ address: Number(address), size: Number(size) });
  }
  return ranges;
}

/**
 * The ranges to be read for a choice: what is mapped of them and not copied already, `room` bytes at most. Registered
 * memory comes first, then what can be written. `all`: the ranges of a dump of all memory; `lost` is told how many
 * bytes there was no room for.
 */
export function chosenRanges(
  { full, registered }: DumpChoice,
  mappings: readonly MapsEntry[],
  taken: readonly CopyRange[],
  all: () => readonly CopyRange[],
  room: number,
  lost: (bytes: number) => void,
): CopyRange[] {
  const wanted = registered.flatMap(({ address, size }) => clip(mappings, address, address + size));
  if (full) {
    const ranges = all();
    const writable = (range: CopyRange) => isWritable(mappings, range.address);
    wanted.push(...ranges.filter(writable), ...ranges.filter((range) => !writable(range)));
  }
  if (wanted.length === 0) return [];
  const copied = new Intervals(taken);
  const chosen: CopyRange[] = [];
  let missing = 0;
  for (const range of wanted) {
    for (const { address, size } of copied.add(range)) {
      const fits = Math.min(size, Math.max(0, room - RANGE_COST));
      missing += size - fits;
      if (fits <= 0) continue;
      chosen.push({ address, size: fits });
      room -= fits + RANGE_COST;
    }
  }
  if (missing > 0) lost(missing);
  return chosen;
}

function isWritable(mappings: readonly MapsEntry[], address: number): boolean {
  const [own] = mappings.slice(firstEndingAfter(mappings, address));
  return own !== undefined && own.start <= address && own.perms[1] === 'w';
}

/** Index of the first that ends above an address; they are in the order of their addresses. */
function firstEndingAfter(mappings: readonly MapsEntry[], address: number): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mappings[middle]!.end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Addresses that are spoken for. */
class Intervals {
  /** In the order of their addresses, apart from each other. */
  readonly #known: { start: number; end: number }[] = [];

  constructor(ranges: readonly CopyRange[]) {
    for (const range of ranges) this.add(range);
  }

  /** The parts of a range that were not there yet; now they are. */
  add({ address, size }: CopyRange): CopyRange[] {
    const known = this.#known;
    const end = address + size;
    let low = 0;
    let high = known.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (known[middle]!.end >= address) high = middle;
      else low = middle + 1;
    }
    const fresh: CopyRange[] = [];
    const joined = { start: address, end };
    let at = address;
    let next = low;
    for (; next < known.length && known[next]!.start <= end; next++) {
      const { start, end: knownEnd } = known[next]!;
      if (start > at) fresh.push({ address: at, size: start - at });
      at = Math.max(at, knownEnd);
      joined.start = Math.min(joined.start, start);
      joined.end = Math.max(joined.end, knownEnd);
    }
    if (end > at) fresh.push({ address: at, size: end - at });
    known.splice(low, next - low, joined);
    return fresh;
  }
}
