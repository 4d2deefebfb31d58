/**
 * The open files of a process by the links in /proc/PID/fd. Only the links are read: what they lead to is asked nothing, for a file on a
 * network or in user space may not answer, and its asker would hang with the target.
 */
import { opendirSync, readlinkSync } from 'node:fs';
import type { OpenFile } from '../minidump/handles-from-fds.js';
import { codeOf, type Losses } from './failure.js';

/** A process may have a million; a reader wants to see the first. */
const MAX_FILES = 1024;
/** On a machine so slow that even these take longer, a crash does not wait for the rest. */
const MAX_MS = 50;
const FIRST_FILES = 64;

/** Ascending. `tid`: any thread of the process. */
export function readOpenFiles(tid: number, losses: Losses): OpenFile[] {
  const files: OpenFile[] = [];
  const path = `/proc/${tid}/fd`;
  const end = performance.now() + MAX_MS;
  try {
    const directory = opendirSync(path, { bufferSize: 64 });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (files.length === MAX_FILES || (files.length >= FIRST_FILES && performance.now() > end)) {
          losses.add('open files', `only the first ${files.length}`);
          break;
        }
        const target = readLink(`${path}/${entry.name}`);
        if (target !== null) files.push({ fd: Number(entry.name), target, mode: typeOf(target) });
      }
    } finally {
      directory.closeSync();
    }
  } catch (error) {
    losses.add('open files', `${path}: ${codeOf(error)}`);
  }
  return files;
}

/** Null: closed meanwhile. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** S_IFMT of st_mode as far as the link's text tells (proc_pid_fd(5)); 0 for a path. */
function typeOf(target: string): number {
  if (target.startsWith('socket:[')) return 0o140000;
  if (target.startsWith('pipe:[')) return 0o010000;
  return 0;
}
