/** A file that a command reads, however large; `-` is what comes through standard input. */
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FdSource } from '../platform/fd-source.js';
import { CommandError } from './failure.js';

const STDIN = 0;
const CHUNK = 1 << 20;

/** Runs `use` with the open file. Throws CommandError when there is no such regular file. */
export function readFile<T>(path: string, use: (source: FdSource, fd: number) => T): T {
  const fd = path === '-' ? standardInput() : open(path);
  try {
    const source = FdSource.of(fd);
    if (source === null) {
      const what = fstatSync(fd).isDirectory() ? 'it is a directory' : 'it is not a regular file';
      throw new CommandError(`cannot read ${path}: ${what}`);
    }
    return use(source, fd);
  } finally {
    close(fd);
  }
}

function close(fd: number): void {
  if (fd !== STDIN) closeSync(fd);
}

function open(path: string): number {
  try {
    // A pipe would wait for its other end.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

/** Dumps are read here and there: a pipe is copied into a file without a name first. */
function standardInput(): number {
  if (FdSource.of(STDIN) !== null) return STDIN;
  let copy = -1;
  try {
    copy = namelessFile();
    const chunk = Buffer.alloc(CHUNK);
    for (let got = readChunk(chunk); got > 0; got = readChunk(chunk)) {
      for (let done = 0; done < got; ) done += writeSync(copy, chunk, done, got - done);
    }
    return copy;
  } catch (error) {
    if (copy >= 0) closeSync(copy);
    throw new CommandError(`cannot read standard input: ${(error as Error).message}`);
  }
}

/** 0 at the end. */
function readChunk(into: Buffer): number {
  for (;;) {
    try {
      return readSync(STDIN, into);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      // Another program has made the pipe non-blocking: wait for more of it.
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

function namelessFile(): number {
  const directory = mkdtempSync(join(tmpdir(), 'debuggerd-'));
  const path = join(directory, 'input');
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  rmdirSync(directory);
  return fd;
}
