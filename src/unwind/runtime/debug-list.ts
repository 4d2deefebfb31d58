/** The linked list through which JIT compilers show debuggers their code. */
import { LittleEndian } from '../../bytes/little-endian.js';
import type { Memory } from '../../bytes/memory.js';

/**
 * The list through which run-time compilers show debuggers what they made: gdb's JIT interface (gdb manual, "JIT
 * Compilation Interface"), and Android's version of it, used for dex files also (libunwindstack's facts:
 * `__jit_debug_descriptor`, `__dex_debug_descriptor`).
 *
 *     descriptor: u32 version (1), u32 action, ptr relevant, ptr first;
 *                 Android: u8 magic[8] "Android2", u32 flags, u32 descriptor size, u32 entry size, u32 seqlock, u64
 *                 time
 *     entry:      ptr next, ptr previous, ptr file, u64 size; Android: u64 time, u32 seqlock
 *
 * An entry's seqlock is odd while the entry is made or freed, and changes each time.
 */
export interface DebugListLayout {
  readonly word: 4 | 8;
  /** Offset of an entry's u64 size: 32-bit x86 aligns 64-bit fields to 4 bytes, arm to 8. */
  readonly size: number;
  /** Offset of an entry's seqlock. */
  readonly seqlock: number;
}

export const LAYOUT_64: DebugListLayout = { word: 8, size: 24, seqlock: 40 };
export const LAYOUT_ARM: DebugListLayout = { word: 4, size: 16, seqlock: 32 };
export const LAYOUT_X86: DebugListLayout = { word: 4, size: 12, seqlock: 28 };

/** A file in memory: an ELF image or a dex file. */
export interface DebugEntry {
  /** Address of the entry itself. */
  readonly entry: number;
  readonly address: number;
  readonly size: number;
}

const MAGIC = 'Android2';
const MAX_RETRIES = 16;
/** More methods than a process compiles. */
const MAX_ENTRIES = 1 << 16;

/** A consistent copy could not be read, or not all of it: what follows is missing. */
export type DebugListEnd = 'whole' | 'unreadable' | 'changing' | 'cyclic' | 'too long';

export interface DebugList {
  readonly entries: readonly DebugEntry[];
  readonly end: DebugListEnd;
}

/**
 * Reads the list whose descriptor is at `descriptor`. While the target runs, entries may come and go: what changed is
 * read again, up to 16 times. Null when there is no descriptor of version 1 with an entry.
 */
export function readDebugList(memory: Memory, descriptor: number, layout: DebugListLayout): DebugList | null {
  const { word } = layout;
  const first = 8 + word;
  const head = readAll(memory, descriptor, first + word);
  if (head === null || head.u32(0) !== 1 || pointer(head, first, word) === 0) return null;
  const magic = readAll(memory, descriptor + first + word, MAGIC.length);
  const locked = magic !== null && Buffer.from(magic.bytes).toString('latin1') === MAGIC;
  let list: DebugList = { entries: [], end: 'changing' };
  for (let i = 0; i < MAX_RETRIES && list.end === 'changing'; i++) {
    const next = walk(memory, descriptor + first, layout, locked);
    // A copy of a process that was frozen amid a change never becomes consistent: the longest reading counts.
    if (next.end !== 'changing' || next.entries.length > list.entries.length) list = next;
  }
  return list;
}

function walk(memory: Memory, head: number, layout: DebugListLayout, locked: boolean): DebugList {
  const entries: DebugEntry[] = [];
  const seen = new Set<number>();
  const end = (why: DebugListEnd): DebugList => ({ entries, end: why });
  for (let link = head; ; ) {
    const place = readAll(memory, link, layout.word);
    if (place === null) return end('unreadable');
    const address = pointer(place, 0, layout.word);
    if (address === 0) return end('whole');
    if (!Number.isSafeInteger(address)) return end('unreadable');
    if (seen.has(address)) return end('cyclic');
    if (seen.size >= MAX_ENTRIES) return end('too long');
    seen.add(address);
    const seqlock = locked ? lockAt(memory, address, layout) : 0;
    if (seqlock === null) return end('unreadable');
    const entry = readAll(memory, address, layout.size + 8);
    if (entry === null) return end('unreadable');
    const again = locked ? lockAt(memory, address, layout) : 0;
    if (seqlock !== again || seqlock % 2 === 1) return end('changing');
    const file = pointer(entry, 2 * layout.word, layout.word);
    const size = entry.u64(layout.size);
    if (file > 0 && size > 0 && Number.isSafeInteger(file + size))
      entries.push({ entry: address, address: file, size });
    link = address;
  }
}

function lockAt(memory: Memory, entry: number, layout: DebugListLayout): number | null {
  return readAll(memory, entry + layout.seqlock, 4)?.u32(0) ?? null;
}

/** A pointer without the tag that arm64 may put into its top byte. */
function pointer(data: LittleEndian, at: number, word: 4 | 8): number {
  if (word === 4) return data.u32(at);
  return data.u32(at) + (data.u32(at + 4) & 0x00ff_ffff) * 2 ** 32;
}

function readAll(memory: Memory, address: number, length: number): LittleEndian | null {
  const bytes = new Uint8Array(length);
  return memory.read(address, bytes) === length ? new LittleEndian(bytes) : null;
}
