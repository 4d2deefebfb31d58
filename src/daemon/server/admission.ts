/** How many clients may be connected at once, so that nobody can use up the daemon. Pure bookkeeping. */

export interface AdmissionLimits {
  /** Clients of all users. */
  readonly total: number;
  /** Clients of one user other than root. */
  readonly perUid: number;
  /** Of `total`, places that only root may take. */
  readonly forRoot: number;
  /**
   * There are so few places that further clients wait in the listener's backlog until one is free, instead of being
   * refused.
   */
  readonly waits?: boolean;
}

export const DEFAULT_ADMISSION: AdmissionLimits = { total: 1024, perUid: 512, forRoot: 32 };
export type Admitted<T> =
  /** `evicted`: a silent client that has to make room. */
  { readonly admitted: true; readonly evicted: T | null } | { readonly admitted: false; readonly reason: string };

interface Entry {
  readonly uid: number;
  silent: boolean;
}

export class Admission<T> {
  readonly #limits: AdmissionLimits;
  /** In the order of arrival. */
  readonly #clients = new Map<T, Entry>();
  readonly #perUid = new Map<number, number>();

  constructor(limits: AdmissionLimits = DEFAULT_ADMISSION) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#clients.size;
  }

  countOf(uid: number): number {
    return this.#perUid.get(uid) ?? 0;
  }

  /** Whether a client must not be accepted before another is released. */
  get mustWait(): boolean {
    return this.#limits.waits === true && this.size >= this.#limits.total;
  }

  /**
   * Asks for a place. Where all are taken, the oldest client that has not yet said anything, of the user with the most
   * clients, loses its own; where all have, the newest of the user with the most, if that is more than the newcomer's
   * user would have.
   */
  admit(client: T, uid: number): Admitted<T> {
    if (uid !== 0 && this.countOf(uid) >= this.#limits.perUid) {
      return { admitted: false, reason: `uid ${uid} has ${this.#limits.perUid} requests open already` };
    }
    let evicted: T | null = null;
    const places = uid === 0 ? this.#limits.total : this.#limits.total - this.#limits.forRoot;
    const taken = uid === 0 ? this.size : this.size - this.countOf(0);
    if (taken >= places || this.size >= this.#limits.total) {
      evicted = this.#oldestSilentOfGreediest(uid) ?? this.#newestOfGreedier(uid);
      if (evicted === null) return { admitted: false, reason: `${taken} requests are open already` };
      this.release(evicted);
    }
    this.#clients.set(client, { uid, silent: true });
    this.#perUid.set(uid, this.countOf(uid) + 1);
    return { admitted: true, evicted };
  }

  /** The client has sent its request: it is not evicted any more. */
  spoke(client: T): void {
    const entry = this.#clients.get(client);
    if (entry) entry.silent = false;
  }

  release(client: T): void {
    const entry = this.#clients.get(client);
    if (!entry) return;
    this.#clients.delete(client);
    const left = this.countOf(entry.uid) - 1;
    if (left > 0) this.#perUid.set(entry.uid, left);
    else this.#perUid.delete(entry.uid);
  }

  /** Root's clients make room for root only. */
  #oldestSilentOfGreediest(newcomer: number): T | null {
    let best: T | null = null;
    let most = 0;
    for (const [client, { uid, silent }] of this.#clients) {
      const count = this.countOf(uid);
      if (silent && count > most && (uid !== 0 || newcomer === 0)) {
        best = client;
        most = count;
      }
    }
    return best;
  }

  /** Of users with at least two more than the newcomer's: whoever comes last has waited least. */
  #newestOfGreedier(newcomer: number): T | null {
    let best: T | null = null;
    let most = this.countOf(newcomer) + 2;
    for (const [client, { uid }] of this.#clients) {
      const count = this.countOf(uid);
      if (count < most || (uid === 0 && newcomer !== 0)) continue;
      best = client;
      most = count;
    }
    return best;
  }
}
