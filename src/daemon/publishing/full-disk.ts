/**
 * A report for which the disk has no room: one older report is given up for it; where that is not enough its text is
 * kept without the minidump. The report lies in memory, so that the engraver, which is not to blame, need not make it
 * again.
 */
import { copyMemfd } from '../workers/engraving.js';
import type { Origin } from './rotation.js';
import type { PendingFile, Published, TombstoneDirectory } from './tombstones.js';

export interface Squeezed extends Published {
  /** Path of the report that was given up; null: none. */
  readonly gaveUp: string | null;
  readonly withMinidump: boolean;
}

/** Whether a call failed since there is no room for data: a full disk (ENOSPC) or a quota (EDQUOT). */
export function isOutOfRoom(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Publishes what two memfds hold. @throws SystemError where not even the text can be kept */
export async function publishWithoutRoom(
  tombstones: TombstoneDirectory,
  origin: Origin,
  text: number,
  minidump: number,
): Promise<Squeezed> {
  const attempt = (fds: readonly number[]) => publish(tombstones, origin, fds);
  const both = await attempt([text, minidump]);
  if (both !== null) return { ...both, gaveUp: null, withMinidump: true };
  const gaveUp = await tombstones.giveUpOldest(origin);
  const again = gaveUp === null ? null : await attempt([text, minidump]);
  if (again !== null) return { ...again, gaveUp, withMinidump: true };
  const alone = await attempt([text]);
  if (alone !== null) return { ...alone, gaveUp, withMinidump: false };
  throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
}

/** Null: there is no room, and nothing of it remains. */
async function publish(
  tombstones: TombstoneDirectory,
  origin: Origin,
  memfds: readonly number[],
): Promise<Published | null> {
  const files: PendingFile[] = [];
  try {
    for (const memfd of memfds) {
      const file = await tombstones.create();
      files.push(file);
      await copyMemfd(memfd, file.handle);
    }
    return await tombstones.publishOf(origin, files[0]!, files[1] ?? null);
  } catch (error) {
    for (const file of files) await tombstones.discard(file);
    if (!isOutOfRoom(error)) throw error;
    return null;
  }
}
