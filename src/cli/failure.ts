/** How commands end, 0 done, 1 could not be done, 2 wrong usage, and how they say so. */
import { shownLine } from '../bytes/shown-text.js';
import { MAX_TID } from '../wire/request.js';

/** One line on standard error, whatever names of files and texts of dumps are in it. */
export function say(message: string): void {
  process.stderr.write(`debuggerd: ${shownLine(message)}\n`);
}

export class CommandError extends Error {
  readonly exitCode: number;

  /** `message` is the one line that the user sees: what went wrong and what to do. */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, 2);
    this.name = 'UsageError';
  }
}

/** A thread id from the command line: a decimal number from 1 to MAX_TID. */
export function parseTid(text: string): number {
  const tid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (tid < 1 || tid > MAX_TID)
    throw new UsageError(`'${text}' is not a thread id; give a number such as ps -L prints (LWP)`);
  return tid;
}
