/**
 * The open files of a process by the links in /proc/PID/fd. Only the links are read: what they lead to is asked
 * nothing, for a file on a network or in user space may not answer, and its asker would hang with the target.
 */
import type { OpenFile } from '../../minidump/writer/handles-from-fds.js';
import { loadAddon } from '../../platform/addon.js';
import { errnoName } from '../../platform/proc-file.js';
import type { Losses } from '../failure.js';

/** A process may have a million; a reader wants to see the first. */
const MAX_FILES = 1024;
/** On a machine so slow that even these take longer, a crash does not wait for the rest. */
const MAX_MS = 50;
const ready = Buffer.alloc(128 * 1024);

/** The links, copied; what they say is made out later. */
export class OpenFiles {
  readonly #path: string;
  readonly #bytes: Buffer;
  readonly #errno: number;
  readonly #more: boolean;

  /** `tid`: any thread of the process. */
  constructor(tid: number) {
    this.#path = `/proc/${tid}/fd`;
    const [size, more] = loadAddon().readLinks(this.#path, ready, MAX_FILES, MAX_MS);
    this.#errno = size < 0 ? -size : 0;
    this.#bytes = Buffer.from(ready.subarray(0, Math.max(0, size)));
    this.#more = more !== 0;
  }

  /** Ascending. */
  list(losses: Losses): OpenFile[] {
    const files: OpenFile[] = [];
    const bytes = this.#bytes;
    for (let at = 0; at < bytes.length; ) {
      const end = at + 8 + bytes.readInt32LE(at + 4);
      const target = bytes.toString('utf8', at + 8, end);
      files.push({ fd: bytes.readInt32LE(at), target, mode: typeOf(target) });
      at = end;
    }
    if (this.#errno !== 0) losses.add('open files', `${this.#path}: ${errnoName(this.#errno)}`);
    if (this.#more) losses.add('open files', `only the first ${files.length}`);
    return files;
  }
}

/** S_IFMT of st_mode as far as the link's text tells (proc_pid_fd(5)); 0 for a path. */
function typeOf(target: string): number {
  if (target.startsWith('socket:[')) return 0o140000;
  if (target.startsWith('pipe:[')) return 0o010000;
  return 0;
}
