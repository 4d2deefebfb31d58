/**
 * Requests of users that share workers, and which of them comes next: a user with fewer under way goes before one with
 * more, then one who has had less of the workers' time lately; of one user's, first tries before second ones; then
 * root, then who came first. All users but root together leave one place, and one of them alone leaves another: users
 * are easily had (a user may have 65536 subordinate ids, subuid(5)), and root's crashes must not wait for them. A
 * single place is for everybody.
 */
import { RecentUse } from './recent-use.js';

export interface Waiting {
  readonly uid: number;
  /** A second try. */
  readonly again?: boolean;
}

export class FairQueue<T extends Waiting> {
  readonly #places: number;
  /** In the order of arrival. */
  #waiting: T[] = [];
  /** Under way, by user. */
  readonly #running = new Map<number, number>();
  readonly #spent = new RecentUse();

  /** `places`: how many requests may be under way in all. */
  constructor(places: number) {
    this.#places = places;
  }

  get length(): number {
    return this.#waiting.length;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#waiting.values();
  }

  push(request: T): void {
    this.#waiting.push(request);
  }

  /** False: it does not wait. */
  remove(request: T): boolean {
    const at = this.#waiting.indexOf(request);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /** Takes all that wait. */
  clear(): T[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /**
   * Who comes next, and stays in the queue; null: none may. `may`: whether a user may have more under way for reasons
   * of the caller.
   */
  next(may: (uid: number) => boolean = () => true): T | null {
    let best: T | null = null;
    let least: readonly number[] = [];
    const allowed = new Map<number, boolean>();
    for (const candidate of this.#waiting) {
      const { uid } = candidate;
      if (!allowed.has(uid)) allowed.set(uid, this.hasPlace(uid) && may(uid));
      if (!allowed.get(uid)) continue;
      const rank = this.#rank(candidate);
      if (best !== null && !precedes(rank, least)) continue;
      best = candidate;
      least = rank;
    }
    return best;
  }

  /** Whether places are left for one more request of this user. */
  hasPlace(uid: number): boolean {
    if (uid === 0) return true;
    const own = this.#running.get(uid) ?? 0;
    return this.runningOfUsers < Math.max(1, this.#places - 1) && own < Math.max(1, this.#places - 2);
  }

  /** Under way, of all users but root. */
  get runningOfUsers(): number {
    let sum = 0;
    for (const [uid, count] of this.#running) if (uid !== 0) sum += count;
    return sum;
  }

  /** A request of this user is under way from now on. */
  begin(uid: number): void {
    this.#running.set(uid, (this.#running.get(uid) ?? 0) + 1);
  }

  /** It is not any more. */
  end(uid: number): void {
    const left = (this.#running.get(uid) ?? 0) - 1;
    if (left > 0) this.#running.set(uid, left);
    else this.#running.delete(uid);
  }

  /** A worker has served this user for so long. */
  spend(uid: number, ms: number): void {
    this.#spent.add(uid, ms);
  }

  /** What this user has had lately, in units of 100 ms. */
  spent(uid: number): number {
    return this.#spent.of(uid);
  }

  /** The lower goes first. */
  #rank({ uid, again }: T): number[] {
    return [this.#running.get(uid) ?? 0, this.spent(uid), Number(again === true), Number(uid !== 0)];
  }
}

function precedes(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && a[at]! < b[at]!;
}
