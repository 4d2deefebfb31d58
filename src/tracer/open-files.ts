/**
 * The open files of a process by the links in /proc/PID/fd. Only the links are read: what they lead to is asked nothing, for a file on a
 * network or in user space may not answer, and its asker would hang with the target.
 */
import type { OpenFile } from '../minidump/handles-from-fds.js';
import { loadAddon } from '../platform/addon.js';
import { errnoName } from '../platform/proc-file.js';
import type { Losses } from './failure.js';

/** A process may have a million; a reader wants to see the first. */
const MAX_FILES = 1024;
/** On a machine so slow that even these take longer, a crash does not wait for the rest. */
const MAX_MS = 50;
const links = Buffer.alloc(128 * 1024);

/** Ascending. `tid`: any thread of the process. */
export function readOpenFiles(tid: number, losses: Losses): OpenFile[] {
  const path = `/proc/${tid}/fd`;
  const [size, more] = loadAddon().readLinks(path, links, MAX_FILES, MAX_MS);
  if (size < 0) losses.add('open files', `${path}: ${errnoName(-size)}`);
  const files: OpenFile[] = [];
  for (let at = 0; at < size; ) {
    const length = links.readInt32LE(at + 4);
    const target = links.toString('utf8', at + 8, at + 8 + length);
    files.push({ fd: links.readInt32LE(at), target, mode: typeOf(target) });
    at += 8 + length;
  }
  if (more !== 0) losses.add('open files', `only the first ${files.length}`);
  return files;
}

/** S_IFMT of st_mode as far as the link's text tells (proc_pid_fd(5)); 0 for a path. */
function typeOf(target: string): number {
  if (target.startsWith('socket:[')) return 0o140000;
  if (target.startsWith('pipe:[')) return 0o010000;
  return 0;
}
