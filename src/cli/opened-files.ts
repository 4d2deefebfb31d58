/** Regular files that a command looks into, kept open until it ends. */
import { closeSync, constants, openSync } from 'node:fs';
import { FdSource } from '../platform/fd-source.js';

export class OpenedFiles {
  readonly #fds: number[] = [];

  /** Null when there is no such regular file, or when it may not be read. */
  open(path: string): FdSource | null {
    try {
      // Opening a pipe would wait for its other end.
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const source = FdSource.of(fd);
      if (source !== null) {
        this.#fds.push(fd);
        return source;
      }
      closeSync(fd);
    } catch {
      // Not there, or not ours to read.
    }
    return null;
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}
