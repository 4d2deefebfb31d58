/**
 * Which waiting request comes next: a user with fewer requests under way goes before one with more, then one who has had less of the
 * tracers' time lately, then root, then who came first. All users but root together leave one place, and one of them alone leaves
 * another: users are easily had (a user may have 65536 subordinate ids, subuid(5)), and root's crashes must not wait for them.
 */
export interface Waiting {
  readonly uid: number;
}

/** Picks from `waiting` (in the order of arrival); null when none may start. `places`: how many may be under way in all. */
export function pickNext<T extends Waiting>(
  waiting: readonly T[],
  running: ReadonlyMap<number, number>,
  places: number,
  spent: (uid: number) => number = () => 0,
): T | null {
  let users = 0;
  for (const [uid, count] of running) if (uid !== 0) users += count;
  let best: T | null = null;
  for (const candidate of waiting) {
    const { uid } = candidate;
    const count = running.get(uid) ?? 0;
    if (uid !== 0 && (users >= Math.max(1, places - 1) || count >= Math.max(1, places - 2))) continue;
    if (best === null || precedes(uid, best.uid, running, spent)) best = candidate;
  }
  return best;
}

/** Whether a user goes before one that came earlier. */
function precedes(
  uid: number,
  earlier: number,
  running: ReadonlyMap<number, number>,
  spent: (uid: number) => number,
): boolean {
  if (uid === earlier) return false;
  const fewer = (running.get(uid) ?? 0) - (running.get(earlier) ?? 0);
  if (fewer !== 0) return fewer < 0;
  const less = spent(uid) - spent(earlier);
  return less === 0 ? uid === 0 : less < 0;
}
