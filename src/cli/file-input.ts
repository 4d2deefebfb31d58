/** A file that a command reads, however large. */
import { closeSync, constants, openSync } from 'node:fs';
import { FdSource } from '../platform/fd-source.js';
import { CommandError } from './failure.js';

/** Runs `use` with the open file. Throws CommandError when there is no such regular file. */
export function readFile<T>(path: string, use: (source: FdSource, fd: number) => T): T {
  let fd: number;
  try {
    // A pipe would wait for its other end.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
  try {
    const source = FdSource.of(fd);
    if (source === null) throw new CommandError(`cannot read ${path}: it is not a regular file`);
    return use(source, fd);
  } finally {
    closeSync(fd);
  }
}
