/**
 * How much of a shared worker's time each user has had lately. It halves every ten seconds, so that nobody is held to
 * what was long ago.
 */

const HALF_LIFE_MS = 10_000;
/** Differences below this are none: who comes first goes first then. */
const UNIT_MS = 100;
/** Users whose time is remembered; the least of them is forgotten. */
const MAX_USERS = 1024;

export class RecentUse {
  readonly #users = new Map<number, { ms: number; at: number }>();

  add(uid: number, ms: number): void {
    const now = performance.now();
    this.#users.set(uid, { ms: this.#left(uid, now) + ms, at: now });
    if (this.#users.size > MAX_USERS) this.#forget(now);
  }

  /** In units of 100 ms, rounded down. */
  of(uid: number): number {
    return Math.floor(this.#left(uid, performance.now()) / UNIT_MS);
  }

  #left(uid: number, now: number): number {
    const user = this.#users.get(uid);
    return user === undefined ? 0 : user.ms * 2 ** ((user.at - now) / HALF_LIFE_MS);
  }

  /** The half with the least. */
  #forget(now: number): void {
    const uids = [...this.#users.keys()].sort((a, b) => this.#left(a, now) - this.#left(b, now));
    for (const uid of uids.slice(0, MAX_USERS / 2)) this.#users.delete(uid);
  }
}
