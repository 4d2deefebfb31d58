/** A log file of the daemon's own: appended to, and opened anew when it was rotated. */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { DescriptorOutput, type LineOutput } from './line-output.js';

export class LogFileError extends Error {
  override readonly name = 'LogFileError';
}

const FLAGS =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_APPEND |
  constants.O_NOFOLLOW |
  // A FIFO at this path must not stop the daemon before it is seen to be one.
  constants.O_NONBLOCK |
  constants.O_NOCTTY;

export class LogFile implements LineOutput {
  readonly #path: string;
  #fd: number;
  #output: DescriptorOutput;

  /** Opens the file, making it with mode 0640 where it is missing. @throws LogFileError */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openLog(path);
    this.#output = outputTo(this.#fd);
  }

  write(line: string): boolean {
    return this.#output.write(line);
  }

  /**
   * After a rotation: the file of this name from now on. Where it cannot be opened the old one stays. @throws
   * LogFileError
   */
  reopen(): void {
    const fd = openLog(this.#path);
    this.close();
    this.#fd = fd;
    this.#output = outputTo(fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function outputTo(fd: number): DescriptorOutput {
  return new DescriptorOutput((bytes) => writeSync(fd, bytes));
}

function openLog(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, FLAGS, 0o640);
  } catch (error) {
    throw new LogFileError(`cannot open the log file ${path}: ${(error as Error).message}`);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new LogFileError(`the log file ${path} is no regular file`);
}
