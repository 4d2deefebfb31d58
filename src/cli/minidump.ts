/** `debuggerd -m TID [FILE]`: a minidump of a live process, written here from what the daemon sends. */
import { closeSync, constants, fstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { MinidumpError } from '../minidump/format/error.js';
import { Minidump } from '../minidump/reader/minidump.js';
import { FdSource } from '../platform/fd-source.js';
import type { Action } from '../wire/request.js';
import { CommandError, say } from './failure.js';
import { type RequestOptions, receiveAnswer } from './request/request.js';

export interface MinidumpOptions extends RequestOptions {
  /** All readable memory. */
  readonly full?: boolean;
  /** With `full`: by a copy-on-write child where that can be. Default true. */
  readonly fork?: boolean;
}

const PROGRESS_MS = 500;

/**
 * `out`: default TID.dmp in the current directory, as gcore puts core.PID there; `-` is stdout. Throws CommandError.
 */
export function writeMinidump(tid: number, out: string | undefined, options: MinidumpOptions): void {
  const action: Action = !options.full
    ? 'minidump'
    : options.fork === false
      ? 'stopped full minidump'
      : 'full minidump';
  if (out === '-') {
    receiveAnswer(action, tid, options, (bytes) => writeAll(1, bytes, 'stdout'));
    return;
  }
  const path = out ?? `${tid}.dmp`;
  const fd = createFile(path);
  try {
    const progress = options.full ? new Progress() : null;
    receiveAnswer(action, tid, options, (bytes) => {
      progress?.add(bytes.length);
      return writeAll(fd, bytes, path);
    });
    progress?.end();
    for (const line of checkWhole(fd)) say(line);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  process.stderr.write(`Minidump written to: ${path}\n`);
}

/**
 * A new file, for its owner alone: dumps hold what the process held. What is there already, a link above all, is left
 * alone.
 */
function createFile(path: string): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  try {
    return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already; remove it, or name another file' : message;
    throw new CommandError(`cannot write ${path}: ${why}`);
  }
}

function writeAll(fd: number, bytes: Uint8Array, path: string): boolean {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    return true;
  } catch (error) {
    throw new CommandError(`cannot write ${path}: ${(error as Error).message}`);
  }
}

/** What could not be captured, in words. Throws CommandError when the file ends before its memory does. */
function checkWhole(fd: number): string[] {
  const source = FdSource.of(fd);
  if (source === null) return [];
  try {
    const dump = Minidump.open(source);
    const last = dump.memory64List?.at(-1);
    const { size } = fstatSync(fd);
    if (last !== undefined && last.rva + last.size > size) {
      throw new CommandError(
        `the dump ends after ${size} of ${last.rva + last.size} bytes: ` +
          'the process or the daemon has ended, or see its log',
      );
    }
    return (dump.tolerate(() => dump.softErrors, null) ?? []).map(({ step, message }) => `${step}: ${message}`);
  } catch (error) {
    if (error instanceof MinidumpError) throw new CommandError(`the dump did not come whole: ${error.message}`);
    throw error;
  }
}

/** How much has come, on a terminal. */
class Progress {
  readonly #shown = process.stderr.isTTY === true;
  #bytes = 0;
  #next = performance.now() + PROGRESS_MS;

  add(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#shown || performance.now() < this.#next) return;
    this.#next = performance.now() + PROGRESS_MS;
    process.stderr.write(`\r${Math.floor(this.#bytes / (1024 * 1024))} MiB`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }
}
