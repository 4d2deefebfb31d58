/** A file that a command makes: it appears under its name when it is whole, or not at all. `-` is stdout. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ByteSource } from '../bytes/byte-source.js';
import { CommandError, UsageError } from './failure.js';

/** Bytes copied from one file to the other at a time. */
const CHUNK = 4 * 1024 * 1024;

/**
 * Where a command writes that was not told. Throws UsageError when what it reads has no name that one could follow
 * from.
 */
export function defaultOutput(input: string, output: string): string {
  if (input === '-') throw new UsageError('say where to write what standard input becomes: a file, or - for stdout');
  return output;
}

export class FileOutput {
  readonly #path: string;
  readonly #temporary: string;
  readonly #fd: number;

  /** Throws CommandError when the file cannot be made. */
  constructor(path: string) {
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.part`;
    try {
      this.#fd = path === '-' ? 1 : openSync(this.#temporary, 'wx', 0o600);
    } catch (error) {
      throw new CommandError(`cannot write ${path}: ${(error as Error).message}`);
    }
  }

  write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      throw new CommandError(`cannot write ${this.#path}: ${(error as Error).message}`);
    }
  }

  /** A part of another file; zeros for what cannot be read of it. */
  copy(source: ByteSource, offset: number, size: number): void {
    for (let done = 0; done < size; ) {
      const wanted = Math.min(CHUNK, size - done);
      const bytes = source.bytes(offset + done, wanted);
      this.write(bytes.length > 0 ? bytes : new Uint8Array(wanted));
      done += bytes.length > 0 ? bytes.length : wanted;
    }
  }

  /** Puts the file in its place. */
  commit(): void {
    if (this.#path === '-') return;
    try {
      fsyncSync(this.#fd);
      closeSync(this.#fd);
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      rmSync(this.#temporary, { force: true });
      throw new CommandError(`cannot write ${this.#path}: ${(error as Error).message}`);
    }
  }

  /** Leaves nothing behind. */
  abandon(): void {
    if (this.#path === '-') return;
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }
}

/** Runs `make`; what it wrote is there when it returns, and nothing is when it throws. */
export function writeFile(path: string, make: (output: FileOutput) => void): void {
  const output = new FileOutput(path);
  try {
    make(output);
  } catch (error) {
    output.abandon();
    throw error;
  }
  output.commit();
}
