/** Writes what was engraved into descriptors that were given: no path is opened, nothing of an earlier content remains. */
import { ftruncateSync, writeSync } from 'node:fs';

/** Replaces the content of a regular file; appends to what cannot be truncated or positioned (a pipe, a socket). */
export function writeOutput(fd: number, chunks: readonly Uint8Array[]): void {
  const positioned = truncate(fd);
  let position = 0;
  for (const chunk of chunks) {
    for (let done = 0; done < chunk.length; ) {
      const wrote = writeSync(fd, chunk, done, chunk.length - done, positioned ? position : null);
      if (wrote <= 0) throw new Error(`the output took ${position} bytes and no more`);
      done += wrote;
      position += wrote;
    }
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
