/**
 * Which waiting request comes next: first come, first served, but a user with fewer requests under way goes before one with more, and
 * no user but root takes the last place. So nobody waits long behind another user's crashes, however many and however slow.
 */
export interface Waiting {
  readonly uid: number;
}

/** Picks from `waiting` (in the order of arrival); null when none may start. `places`: how many may be under way in all. */
export function pickNext<T extends Waiting>(
  waiting: readonly T[],
  running: ReadonlyMap<number, number>,
  places: number,
): T | null {
  let best: T | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of waiting) {
    const count = running.get(candidate.uid) ?? 0;
    if (candidate.uid !== 0 && places > 1 && count >= places - 1) continue;
    if (count < fewest) {
      best = candidate;
      fewest = count;
    }
  }
  return best;
}
