/** The last lines of configured log files. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { LogTailRecord } from '../../minidump/reader/vendor.js';
import { codeOf, type Losses } from '../failure.js';

const TAIL_BYTES = 64 * 1024;
const TAIL_LINES = 50;
const LINE_LENGTH = 1024;
const MAX_FILES = 16;

/** The last 50 lines of the last 64 KiB of each file, named by the file. Links and special files are not opened. */
export function readLogTails(paths: readonly string[], losses: Losses): LogTailRecord[] {
  const tails: LogTailRecord[] = [];
  for (const path of paths.slice(0, MAX_FILES)) {
    try {
      tails.push({ name: basename(path), lines: lastLines(readTail(path)) });
    } catch (error) {
      losses.add('logs', `${path}: ${codeOf(error)}`);
    }
  }
  return tails;
}

function readTail(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('not a regular file');
    // One byte more tells whether the first line is whole.
    const start = Math.max(0, stat.size - TAIL_BYTES - 1);
    const buffer = Buffer.alloc(stat.size - start);
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start));
    return start === 0 ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1);
  } finally {
    closeSync(fd);
  }
}

/** The last whole lines; one that is still being written counts as it stands. */
export function lastLines(bytes: Buffer): string[] {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.slice(-TAIL_LINES).map((line) => line.slice(0, LINE_LENGTH));
}
