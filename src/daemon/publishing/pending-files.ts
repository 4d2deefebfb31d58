/** The two files of a request, made while its target is being captured; published together or not at all. */
import type { Origin } from './rotation.js';
import type { PendingFile, Published, TombstoneDirectory } from './tombstones.js';

export interface OpenedPair {
  readonly text: PendingFile;
  readonly minidump: PendingFile;
}

export class PendingFiles {
  readonly #tombstones: TombstoneDirectory;
  /** Rejects when they cannot be made. */
  readonly opened: Promise<OpenedPair>;
  readonly #made: PendingFile[] = [];
  #published = false;

  constructor(tombstones: TombstoneDirectory) {
    this.#tombstones = tombstones;
    this.opened = this.#open();
    // Whoever waits for it gets the error; nobody may, when the capture fails first.
    this.opened.catch(() => {});
  }

  async publish(origin: Origin): Promise<Published> {
    const { text, minidump } = await this.opened;
    this.#published = true;
    return this.#tombstones.publishOf(origin, text, minidump);
  }

  /** Removes what was not published. */
  async discard(): Promise<void> {
    await this.opened.catch(() => {});
    if (this.#published) return;
    for (const file of this.#made) await this.#tombstones.discard(file);
  }

  async #open(): Promise<OpenedPair> {
    const files = [this.#make(), this.#make()] as const;
    // Both are there or have failed before anybody may discard them.
    await Promise.allSettled(files);
    const [text, minidump] = await Promise.all(files);
    return { text, minidump };
  }

  async #make(): Promise<PendingFile> {
    const file = await this.#tombstones.create();
    this.#made.push(file);
    return file;
  }
}
