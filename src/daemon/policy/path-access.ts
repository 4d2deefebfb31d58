/**
 * Whether a user without rights of its own comes to a file: an installation below a home directory is closed to it as a
 * rule.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** The directory (or the file itself) that others may not enter or read; null when all of the way is open. */
export function closedTo(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false });
  // Its start says that it is missing.
  if (found === undefined) return null;
  if ((found.mode & OTHERS_READ) === 0) return file;
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & OTHERS_ENTER) === 0) return directory;
    if (directory === dirname(directory)) return null;
  }
}
