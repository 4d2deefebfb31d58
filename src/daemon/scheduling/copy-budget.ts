/**
 * What copies of processes may take while they wait for the engraver, for the disk or for a client: memory (each is a
 * memfd) and descriptors (each brings its mapped files). Who crashes decides how many there are, so each user has a
 * share, and root a reserve.
 */
import { totalmem } from 'node:os';

export interface CopyLimits {
  /** Bytes of all copies. */
  readonly bytes: number;
  /** Descriptors of all copies' files. */
  readonly files: number;
}

interface Held {
  copies: number;
  bytes: number;
  files: number;
}

/** Of all: what one user other than root may have. */
const USER_SHARE = 1 / 4;
/** Of all: what users other than root may have together. */
const USERS_SHARE = 3 / 4;
/** Of all: from there on the copies of those who have most do not wait any more. */
const TIGHT = 3 / 8;

const MIB = 1024 * 1024;
/** Of the machine's memory. */
const MEMORY_SHARE = 1 / 16;

/** A sixteenth of the memory within bounds, and room for some copies. */
export function copyBytes(dumpBytes: number, memory = totalmem()): number {
  return Math.max(Math.min(1024 * MIB, Math.max(64 * MIB, memory * MEMORY_SHARE)), 8 * dumpBytes);
}

export class CopyBudget {
  readonly #limits: CopyLimits;
  readonly #users = new Map<number, Held>();
  readonly #all: Held = { copies: 0, bytes: 0, files: 0 };
  /** Called when something was given back. */
  freed: () => void = () => {};

  constructor(limits: CopyLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#all.bytes;
  }

  get files(): number {
    return this.#all.files;
  }

  /** Counts a copy; the result gives it back, once. */
  hold(uid: number, bytes: number, files: number): () => void {
    const user = this.#users.get(uid) ?? { copies: 0, bytes: 0, files: 0 };
    this.#users.set(uid, user);
    const add = (sign: 1 | -1): void => {
      for (const held of [user, this.#all]) {
        held.copies += sign;
        held.bytes += sign * bytes;
        held.files += sign * files;
      }
    };
    add(1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      add(-1);
      if (user.copies === 0) this.#users.delete(uid);
      this.freed();
    };
  }

  /** Whether another process of this user may be copied now. */
  mayCopy(uid: number): boolean {
    if (uid === 0) return this.#fill(this.#all) < 1;
    const user = this.#users.get(uid);
    return (user === undefined || this.#fill(user) < USER_SHARE) && this.#fill(this.#all) < USERS_SHARE;
  }

  /**
   * Whether a copy of this user, which is held already, may wait for the engraver. Where it is tight those of who has
   * most may not: they go to the disk as they are, so that others can be copied.
   */
  mayWait(uid: number): boolean {
    const all = this.#fill(this.#all);
    const user = this.#users.get(uid);
    if (user === undefined || user.copies <= 1 || all < (uid === 0 ? USERS_SHARE : TIGHT)) return true;
    return this.#fill(user) < all / this.#users.size;
  }

  /** The part of the limits that is taken, of bytes or of descriptors, whichever is more. */
  #fill({ bytes, files }: Held): number {
    return Math.max(bytes / this.#limits.bytes, files / this.#limits.files);
  }
}
