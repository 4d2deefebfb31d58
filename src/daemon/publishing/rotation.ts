/**
 * Which report a new one replaces where no slot is free, as a pure function. Of one user alone, or where it is not
 * known whose reports these are, it is the oldest: Android's rule. Each user has an equal share of the slots. Who holds
 * theirs replaces a report of their own, others one of the user who holds most. Of a program that crashes again and
 * again the first report and the newest are kept.
 */

/** Whose crash it is. */
export interface Origin {
  readonly uid: number;
  /** Name of the process. */
  readonly program: string;
}

/** A report that is there. */
export interface SlotEntry {
  readonly slot: number;
  /** Of two reports the one made later has the larger one, whatever the clock said. */
  readonly order: number;
  /** Null: made by nobody of whom this daemon knows. */
  readonly origin: Origin | null;
}

/** The slot of the report to give up; null where there is none. `origin` null: the oldest of all. */
export function chooseVictim(entries: readonly SlotEntry[], origin: Origin | null): number | null {
  const byAge = [...entries].sort((a, b) => a.order - b.order);
  if (origin === null) return byAge[0]?.slot ?? null;
  const users = new Map<number | null, SlotEntry[]>();
  for (const entry of byAge) {
    const uid = entry.origin?.uid ?? null;
    users.set(uid, [...(users.get(uid) ?? []), entry]);
  }
  const own = users.get(origin.uid) ?? [];
  const share = Math.max(1, Math.floor(entries.length / (users.size + (own.length === 0 ? 1 : 0))));
  if (own.length >= share) return victimOf(own, origin.program);
  // Maps keep the order of insertion: of equals, the one whose oldest report is older.
  let most: SlotEntry[] = [];
  for (const held of users.values()) if (held.length > most.length) most = held;
  return victimOf(most, null);
}

/** Of one user's reports, oldest first. `crashing`: the program whose new report is to come. */
function victimOf(own: readonly SlotEntry[], crashing: string | null): number | null {
  const programs = new Map<string, SlotEntry[]>();
  for (const entry of own) {
    const name = entry.origin?.program ?? '';
    if (entry.origin !== null) programs.set(name, [...(programs.get(name) ?? []), entry]);
  }
  let middle: readonly SlotEntry[] = [];
  for (const [name, held] of programs) {
    // The newest of the crashing program is the one to come.
    const between = held.slice(1, name === crashing ? undefined : -1);
    if (between.length > middle.length) middle = between;
  }
  return (middle[0] ?? own[0])?.slot ?? null;
}
