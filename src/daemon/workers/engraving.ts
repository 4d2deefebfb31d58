/** From a copy to its reports: two tries with different engravers, then, for what must not be lost, the copy itself. */
import { fstatSync, read } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { logText } from '../../bytes/shown-text.js';
import type { Engraved } from '../../wire/job.js';
import type { EngraveOrder, EngraverHost } from './engraver-host.js';

const readAsync = promisify(read);
const CHUNK = 256 * 1024;

export type EngravingResult =
  | { readonly ok: true; readonly engraved: Engraved }
  /** What the two tries failed of; `unwritten`: of an output that took no more. */
  | { readonly ok: false; readonly reason: string; readonly unwritten?: boolean };

/** Engraves, and where that fails once more on a fresh engraver: what one job left in the old one cannot spoil this. */
export async function engraveTwice(host: Pick<EngraverHost, 'engrave'>, order: EngraveOrder): Promise<EngravingResult> {
  const first = await attempt(host, order);
  // A fresh engraver would find the disk as full, and its start costs others their turn.
  if (first.ok || first.unwritten) return first;
  const second = await attempt(host, order, true);
  if (second.ok) return second;
  return {
    ok: false,
    reason: first.reason === second.reason ? first.reason : `${first.reason}; then ${second.reason}`,
  };
}

async function attempt(
  host: Pick<EngraverHost, 'engrave'>,
  order: EngraveOrder,
  fresh = false,
): Promise<EngravingResult> {
  const result = await host.engrave(order, fresh);
  if (!result.ok) return result;
  for (const { kind, fd } of order.outputs) {
    // An engraver that says that it is done and wrote nothing is not believed.
    if (sizeOf(fd) === 0) return { ok: false, reason: `the engraver left the ${kind} empty` };
  }
  return result;
}

/** The tombstone of a copy that could not be engraved: one line that says why. */
export function apology(pid: number, tid: number, signal: number, reason: string): string {
  return (
    `pid: ${pid}, tid: ${tid}, signal ${signal}: the dump could not be engraved (${logText(reason, 512)}); ` +
    'the minidump beside this file is complete as captured\n'
  );
}

/** Replaces a file's content by that of a memfd. */
export async function copyMemfd(memfd: number, file: FileHandle): Promise<void> {
  const size = sizeOf(memfd);
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(size, 1)));
  await file.truncate(0);
  for (let position = 0; position < size; ) {
    const { bytesRead } = await readAsync(memfd, chunk, 0, Math.min(chunk.length, size - position), position);
    if (bytesRead === 0) break;
    for (let done = 0; done < bytesRead; ) {
      const { bytesWritten } = await file.write(chunk, done, bytesRead - done, position + done);
      done += bytesWritten;
    }
    position += bytesRead;
  }
}

/** At most `limit` bytes from the beginning of a memfd. */
export async function readMemfd(memfd: number, limit: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(Math.min(sizeOf(memfd), limit));
  const { bytesRead } = await readAsync(memfd, bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
}

/** Of an open file, which is in memory: this waits for no device. */
export function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}
