/**
 * A thread inside a signal handler with a stack of its own (sigaltstack) stands on that one; the frames that the signal
 * interrupted lie on its usual stack, whose sp is saved somewhere among the words on the alternate one. Nothing is
 * parsed here: words that point into another stack-like mapping say which one to copy too, and from where on.
 */
import type { Arch } from '../../arch/arch.js';
import { type MapsEntry, mappingIndex } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import { isData } from './stacks.js';

/** A signal frame with AVX-512 state takes 3.5 KiB, with AMX state 11 KiB; before it come the handler's own frames. */
export const SCANNED_BYTES = 32 * 1024;
/** Words that must agree on a mapping: saved sp and frame pointer, as a rule. */
const ENOUGH = 2;
/** The gap between the lowest pointer found and the interrupted sp. */
const MARGIN = 512;

/**
 * The range to copy besides, or null.
 * @param words the copied stack from sp on
 * @param own index of the mapping that sp lies in
 * @param taken indices of mappings that hold another thread's sp
 */
export function interruptedStack(
  arch: Arch,
  mappings: readonly MapsEntry[],
  words: Buffer,
  own: number,
  taken: ReadonlySet<number>,
  limit: number,
): CopyRange | null {
  const found = new Map<number, { count: number; lowest: number }>();
  const end = Math.min(words.length, SCANNED_BYTES) - arch.wordSize;
  for (let at = 0; at <= end; at += arch.wordSize) {
    const value = wordAt(words, at, arch.wordSize);
    if (value < 0x1000) continue;
    const index = mappingIndex(mappings, value);
    if (index < 0 || index === own || taken.has(index)) continue;
    const seen = found.get(index);
    if (seen !== undefined) {
      seen.count++;
      seen.lowest = Math.min(seen.lowest, value);
    } else if (isStackLike(mappings, index)) found.set(index, { count: 1, lowest: value });
  }
  let best: { index: number; lowest: number; count: number } | null = null;
  for (const [index, { count, lowest }] of found) {
    if (count >= ENOUGH && (best === null || count > best.count)) best = { index, lowest, count };
  }
  if (best === null) return null;
  const { start, end: stop } = mappings[best.index]!;
  const address = Math.max(start, best.lowest - (best.lowest % 16) - MARGIN);
  return { address, size: Math.min(stop - address, limit) };
}

/** The main thread's, one that Android names, or private anonymous memory right above a guard. */
export function isStackLike(mappings: readonly MapsEntry[], index: number): boolean {
  const mapping = mappings[index]!;
  if (!isData(mapping) || mapping.inode !== 0) return false;
  if (mapping.name === '[stack]' || mapping.name.startsWith('[anon:stack_and_tls:')) return true;
  const before = mappings[index - 1];
  return before !== undefined && before.end === mapping.start && before.perms.startsWith('---');
}

function wordAt(words: Buffer, at: number, size: number): number {
  const low = words.readUInt32LE(at);
  if (size === 4) return low;
  const high = words.readUInt32LE(at + 4);
  return high < 0x200000 ? high * 0x100000000 + low : 0;
}
