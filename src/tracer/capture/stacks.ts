/**
 * Where a thread's stack lies: from a little below sp to the end of its mapping. A thread that has run over the end of
 * its stack points into the guard or past it; its stack is the next thing above.
 */
import type { Arch } from '../../arch/arch.js';
import { type MapsEntry, mappingAfter, mappingIndex } from '../../linux/maps.js';
import { isOverflowed, OVERFLOW_REACH, type PlanThread } from '../../minidump/writer/copy-plan.js';

/** Tombstones print this many words below sp. */
const WORDS_BELOW = 16;

/** The part of the stack that is in use, nothing where sp points to no stack. */
export function stackInUse(arch: Arch, mappings: readonly MapsEntry[], tid: number, sp: number): PlanThread {
  const index = stackMapping(mappings, sp);
  if (index < 0) return { tid, from: 0, to: 0 };
  const { start, end } = mappings[index]!;
  const below = Math.max(arch.redZone, WORDS_BELOW * arch.wordSize);
  const from = Math.max(start, sp - (sp % arch.wordSize) - below);
  // The kernel's own stack mapping grows with its use: how near sp is to its begin tells only of one that is long
  // already.
  const overflowed = isOverflowed(sp, start);
  return { tid, from, to: end, ...(overflowed && { overflowed }) };
}

/**
 * Index of the mapping that sp lies in, or of the stack right above it when sp has left its stack; -1 when there is
 * none.
 */
export function stackMapping(mappings: readonly MapsEntry[], sp: number): number {
  if (sp <= 0) return -1;
  const index = mappingIndex(mappings, sp);
  if (index >= 0 && isData(mappings[index]!)) return index;
  // Outside of everything, or in a guard page or some other thing that nobody can use as a stack.
  for (let above = mappingAfter(mappings, sp); above < mappings.length; above++) {
    const mapping = mappings[above]!;
    if (mapping.start - sp > OVERFLOW_REACH) return -1;
    if (isData(mapping)) return above;
  }
  return -1;
}

export function isData(mapping: MapsEntry): boolean {
  return mapping.perms.startsWith('rw');
}
