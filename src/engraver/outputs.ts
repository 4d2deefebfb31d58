/**
 * Writes what was engraved into descriptors that were given: no path is opened, nothing of an earlier content remains.
 */
import { ftruncateSync, writeSync } from 'node:fs';

/** An output that did not take what was written. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/**
 * Replaces the content of a regular file; appends to what cannot be truncated or positioned (a pipe, a socket). @throws
 * OutputError
 */
export function writeOutput(fd: number, chunks: readonly Uint8Array[]): void {
  const positioned = truncate(fd);
  let position = 0;
  for (const chunk of chunks) {
    for (let done = 0; done < chunk.length; ) {
      const wrote = writeSome(fd, chunk, done, positioned ? position : null);
      if (wrote <= 0) throw new OutputError(`the output took ${position} bytes and no more`);
      done += wrote;
      position += wrote;
    }
  }
}

function writeSome(fd: number, chunk: Uint8Array, from: number, position: number | null): number {
  try {
    return writeSync(fd, chunk, from, chunk.length - from, position);
  } catch (error) {
    throw new OutputError((error as Error).message);
  }
}

function truncate(fd: number): boolean {
  try {
    ftruncateSync(fd, 0);
    return true;
  } catch {
    return false;
  }
}
