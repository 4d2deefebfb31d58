/**
 * The tombstone directory: files are written under temporary names and renamed into a slot when they are whole, so a
 * slot holds the old tombstone or the new one, never a part. Everything goes through a descriptor of the directory, and
 * no link in it is followed: a rename replaces the link itself, and new files are made with O_EXCL. Where the directory
 * is removed while the daemon runs it is made anew.
 */
import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chooseVictim, type Origin } from './rotation.js';
import { type FoundSlot, MAX_LEDGER_BYTES, SlotLedger } from './slot-ledger.js';

export interface TombstoneOptions {
  readonly dir: string;
  /** Number of slots: tombstone_00 and on. */
  readonly max: number;
  /** Owner of the files; null: who the daemon is. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** Why the directory cannot be used; one line that says what to do. */
export class TombstoneError extends Error {
  override readonly name = 'TombstoneError';
}

/** A file that is being written. */
export interface PendingFile {
  readonly handle: FileHandle;
  readonly name: string;
}

/** A report that has its name. */
export interface Published {
  /** Absolute path of the tombstone. */
  readonly path: string;
  /** Crashes of its program since the oldest of its reports that is there, this one among them. */
  readonly count: number;
}

/** Where the order of the reports is kept. */
const LEDGER = '.tombstone-order';
const LEDGER_TEMPORARY = '.tombstone-order.tmp';
type SlotKind = 'free' | 'blocked' | 'taken';

/** Android's /data/tombstones is 0771; elsewhere nobody but the owner has business in it. */
const DIRECTORY_MODE = 0o750;
/** Temporary names tell whose they are, so that another daemon's files in the same directory stay. */
const TEMPORARY = /^\.tombstone-(\d{1,10})-\d{1,15}\.tmp$/;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const COPY_CHUNK = 256 * 1024;
/** Entries of the directory looked at when old temporary files are removed. */
const MAX_ENTRIES = 10_000;

export class TombstoneDirectory {
  readonly #options: TombstoneOptions;
  #dir: FileHandle;
  /** The directory by its descriptor: renaming or replacing its path changes nothing. */
  #base: string;
  /** The directory being made anew. */
  #renewal: Promise<void> | null = null;
  /** Publications one after the other: each sees the slots as the one before left them. */
  #turn: Promise<unknown> = Promise.resolve();
  #serial = 0;
  #ledger = new SlotLedger();

  private constructor(options: TombstoneOptions, dir: FileHandle) {
    this.#options = options;
    this.#dir = dir;
    this.#base = `/proc/self/fd/${dir.fd}`;
  }

  /**
   * Opens the directory, making it where it is missing, and removes what a daemon that died left half-written.
   * @throws TombstoneError
   */
  static async open(options: TombstoneOptions): Promise<TombstoneDirectory> {
    const dir = resolve(options.dir);
    const tombstones = new TombstoneDirectory({ ...options, dir }, await openDirectory(dir, options.owner));
    await tombstones.#readLedger();
    await tombstones.#removeStale().catch((error: unknown) => {
      throw unusable(dir, error);
    });
    return tombstones;
  }

  /** A new file, 0600, of the configured owner, open for writing and reading. */
  async create(): Promise<PendingFile> {
    const base = this.#base;
    const file = await this.#createIn(base).catch(async (error: unknown) => {
      // There is no other way for a name to be missing that is being made.
      if (!isMissing(error)) throw error;
      if (this.#base === base) await this.#renew();
      return this.#createIn(this.#base);
    });
    const { owner } = this.#options;
    try {
      if (owner !== null) await file.handle.chown(owner.uid, owner.gid);
      return file;
    } catch (error) {
      await this.discard(file);
      throw error;
    }
  }

  async #createIn(base: string): Promise<PendingFile> {
    const name = `.tombstone-${process.pid}-${this.#serial++}.tmp`;
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return { name, handle: await open(join(base, name), flags, 0o600) };
  }

  #renew(): Promise<void> {
    this.#renewal ??= (async () => {
      const old = this.#dir;
      this.#dir = await openDirectory(this.#options.dir, this.#options.owner);
      this.#base = `/proc/self/fd/${this.#dir.fd}`;
      await old.close();
    })().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** Removes a file that is not to be published. */
  async discard(file: PendingFile): Promise<void> {
    await file.handle.close().catch(() => {});
    await unlink(join(this.#base, file.name)).catch(() => {});
  }

  /**
   * Gives the files their names: the first slot that is free, else the one modified least recently. Both are closed,
   * whatever happens; when it fails neither stays.
   * @returns the absolute path of the tombstone
   */
  async publish(text: PendingFile, minidump: PendingFile | null): Promise<string> {
    return (await this.publishOf(null, text, minidump)).path;
  }

  /**
   * The same for a crash of which it is known whose it is: what it replaces then is chosen so that others keep theirs.
   */
  publishOf(origin: Origin | null, text: PendingFile, minidump: PendingFile | null): Promise<Published> {
    return this.#inTurn(() => this.#publish(origin, text, minidump));
  }

  /**
   * Removes the report that a new one of `origin` would replace if no slot were free; the path of its text, null where
   * there is none.
   */
  giveUpOldest(origin: Origin): Promise<string | null> {
    return this.#inTurn(async () => {
      const slot = chooseVictim(this.#ledger.reconcile(await this.#found()), origin);
      if (slot === null) return null;
      const name = slotName(slot);
      for (const file of [`${name}.dmp`, name]) await unlink(join(this.#base, file)).catch(() => {});
      this.#ledger.forget(slot);
      return join(this.#options.dir, name);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(
      () => this.#writeLedger(),
      () => {},
    );
    return turn;
  }

  /** Waits for publications under way. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#dir.close();
  }

  async #publish(origin: Origin | null, text: PendingFile, minidump: PendingFile | null): Promise<Published> {
    const files = minidump === null ? [text] : [text, minidump];
    try {
      return await this.#moveIntoSlot(origin, text, minidump).catch(async (error: unknown) => {
        if (!isMissing(error)) throw error;
        // The names are gone, with the directory as a rule; what was written is not.
        const copies: PendingFile[] = [];
        for (const { handle } of [...files]) {
          const copy = await this.create();
          files.push(copy);
          copies.push(copy);
          await copyFile(handle, copy.handle);
        }
        return this.#moveIntoSlot(origin, copies[0]!, copies[1] ?? null);
      });
    } catch (error) {
      await Promise.all(files.map((file) => this.discard(file)));
      throw error;
    } finally {
      // Not awaited: what was written is in the file already, and whoever waits for the path need not wait for this.
      for (const { handle } of files) handle.close().catch(() => {});
    }
  }

  async #moveIntoSlot(origin: Origin | null, text: PendingFile, minidump: PendingFile | null): Promise<Published> {
    const slot = await this.#chooseSlot(origin);
    if (slot === null)
      throw new TombstoneError(`no slot in ${this.#options.dir} can be used: directories are in the way`);
    const name = slotName(slot);
    const dump = `${name}.dmp`;
    // The text last: who sees it finds its minidump there.
    if (minidump !== null) await this.#move(minidump.name, dump);
    else await unlink(join(this.#base, dump)).catch(() => {});
    const { ino } = await text.handle.stat({ bigint: true });
    await this.#move(text.name, name);
    return { path: join(this.#options.dir, name), count: this.#ledger.record(slot, String(ino), origin) };
  }

  #move(from: string, to: string): Promise<void> {
    return rename(join(this.#base, from), join(this.#base, to));
  }

  /** One reading of the directory tells of all slots; which is the oldest is asked only where none is free. */
  async #chooseSlot(origin: Origin | null): Promise<number | null> {
    const kinds = await this.#kinds();
    const free = kinds.indexOf('free');
    if (free >= 0) return free;
    return chooseVictim(this.#ledger.reconcile(await this.#found(kinds)), origin);
  }

  async #kinds(): Promise<readonly SlotKind[]> {
    const entries = new Map<string, Dirent>();
    for (const entry of await readdir(this.#base, { withFileTypes: true })) entries.set(entry.name, entry);
    return Array.from({ length: this.#options.max }, (_, slot) => {
      const [text, dump] = [entries.get(slotName(slot)), entries.get(`${slotName(slot)}.dmp`)];
      // A rename cannot replace a directory.
      if (text?.isDirectory() || dump?.isDirectory()) return 'blocked';
      return text === undefined ? 'free' : 'taken';
    });
  }

  /** The reports that are there. */
  async #found(kinds?: readonly SlotKind[]): Promise<FoundSlot[]> {
    const found: FoundSlot[] = [];
    for (const [slot, kind] of (kinds ?? (await this.#kinds())).entries()) {
      if (kind !== 'taken') continue;
      const stat = await lstat(join(this.#base, slotName(slot)), { bigint: true }).catch(() => null);
      if (stat !== null) found.push({ slot, inode: String(stat.ino), modifiedNs: stat.mtimeNs });
    }
    return found;
  }

  async #readLedger(): Promise<void> {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(this.#base, LEDGER), flags).catch(() => null);
    if (file === null) return;
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > MAX_LEDGER_BYTES) return;
      this.#ledger = SlotLedger.parse(await file.readFile('utf8'));
    } catch {
      // As without one.
    } finally {
      await file.close();
    }
  }

  /**
   * Whole, by a rename. Where it cannot be written (a full disk) the file times tell, after a restart, what this one
   * does not.
   */
  async #writeLedger(): Promise<void> {
    const path = join(this.#base, LEDGER_TEMPORARY);
    try {
      await unlink(path).catch(() => {});
      const file = await open(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      );
      try {
        await file.writeFile(this.#ledger.serialize());
      } finally {
        await file.close();
      }
      await this.#move(LEDGER_TEMPORARY, LEDGER);
    } catch {
      await unlink(path).catch(() => {});
    }
  }

  async #removeStale(): Promise<void> {
    const names = (await readdir(this.#base)).slice(0, MAX_ENTRIES);
    for (const name of names) {
      const pid = TEMPORARY.exec(name)?.[1];
      if (pid === undefined || (await this.#isWriting(Number(pid)))) continue;
      await unlink(join(this.#base, name)).catch(() => {});
    }
  }

  /** Whether another process with this pid lives, which may be a daemon that still writes. */
  async #isWriting(pid: number): Promise<boolean> {
    if (pid === process.pid) return false;
    return lstat(`/proc/${pid}`).then(
      () => true,
      () => false,
    );
  }
}

/** @throws TombstoneError */
async function openDirectory(dir: string, owner: TombstoneOptions['owner']): Promise<FileHandle> {
  let handle: FileHandle | null = null;
  try {
    await mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
    handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const problem = whyUnsafe(await handle.stat(), owner);
    if (problem !== null) throw new Error(problem);
    return handle;
  } catch (error) {
    await handle?.close();
    throw unusable(dir, error);
  }
}

/** Whoever may rename in the directory puts forged tombstones in the place of real ones. Null: nobody else may. */
function whyUnsafe(
  { uid, gid, mode }: { readonly uid: number; readonly gid: number; readonly mode: number },
  owner: TombstoneOptions['owner'],
): string | null {
  if (![0, process.geteuid?.(), owner?.uid].includes(uid)) return `it belongs to another user, uid ${uid}`;
  if ((mode & OTHERS_WRITE) !== 0) return 'others may write in it';
  if ((mode & GROUP_WRITE) !== 0 && ![0, process.getegid?.(), owner?.gid].includes(gid)) {
    return `group ${gid} may write in it`;
  }
  return null;
}

function unusable(dir: string, error: unknown): TombstoneError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ELOOP' || code === 'ENOTDIR' ? 'it is a link or no directory' : message;
  return new TombstoneError(`cannot use the tombstone directory ${dir}: ${why}; choose another with --tombstone-dir`);
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

async function copyFile(from: FileHandle, to: FileHandle): Promise<void> {
  const chunk = Buffer.allocUnsafe(COPY_CHUNK);
  for (let position = 0; ; ) {
    const { bytesRead } = await from.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    for (let done = 0; done < bytesRead; ) {
      const { bytesWritten } = await to.write(chunk, done, bytesRead - done, position + done);
      done += bytesWritten;
    }
    position += bytesRead;
  }
}

export function slotName(slot: number): string {
  return `tombstone_${String(slot).padStart(2, '0')}`;
}
