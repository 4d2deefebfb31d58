/**
 * Files of /proc, read whole and bounded. Their stat size is 0 and a read returns at most what one seq_file buffer
 * holds (a page, as a rule), so they are read until nothing more comes. Nothing here throws.
 */
import { constants } from 'node:os';
import { loadAddon } from './addon.js';

export type ProcFile =
  | {
      readonly ok: true;
      readonly bytes: Buffer /** More than `limit` bytes were there. */;
      readonly truncated: boolean;
    }
  | { readonly ok: false /** ENOENT, ESRCH (the process ended meanwhile), EACCES, ... */; readonly code: string };

let scratch = Buffer.alloc(0);

/** The first `limit` bytes of the file, copied out of a buffer that is used again and again. */
export function readProcFile(path: string, limit: number): ProcFile {
  const addon = loadAddon();
  if (scratch.length === 0) grow(limit + 1);
  for (;;) {
    // One call of ours in place of four of node:fs: a crashing process waits for a dozen such files.
    const length = addon.readFile(path, scratch);
    if (length < 0) return { ok: false, code: errnoName(-length) };
    if (length === scratch.length && length <= limit) {
      grow(limit + 1);
      continue;
    }
    return { ok: true, bytes: Buffer.from(scratch.subarray(0, Math.min(length, limit))), truncated: length > limit };
  }
}

export interface WantedFile {
  readonly name: string;
  /** Bytes that are kept. */
  readonly limit: number;
}

/** Files of one directory, in their order: one call of the addon for all of them. */
export function readProcFiles(directory: string, wanted: readonly WantedFile[]): ProcFile[] {
  const addon = loadAddon();
  const names = wanted.map(({ name }) => name);
  const most = wanted.reduce((sum, { limit }) => sum + limit + 1, 0);
  if (scratch.length === 0) grow(most);
  const sizes = new Int32Array(wanted.length);
  for (;;) {
    wanted.forEach(({ limit }, i) => {
      sizes[i] = limit + 1;
    });
    addon.readFiles(directory, names, scratch, sizes);
    if (!sizes.includes(-constants.errno.ENOBUFS)) break;
    grow(most);
  }
  let at = 0;
  return wanted.map(({ limit }, i) => {
    const size = sizes[i]!;
    if (size < 0) return { ok: false, code: errnoName(-size) };
    const bytes = Buffer.from(scratch.subarray(at, at + Math.min(size, limit)));
    at += size;
    return { ok: true, bytes, truncated: size > limit };
  });
}

/** `ENOENT` of 2. */
export function errnoName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? 'EIO';
}

function grow(needed: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(scratch.length * 2, 64 * 1024), Math.max(needed, 64 * 1024)));
  scratch.copy(larger);
  scratch = larger;
}
