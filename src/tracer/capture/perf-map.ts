/**
 * /tmp/perf-PID.map, where runtimes that compile at run time (Node, the JVM with an agent, ...) leave the names of
 * their functions. The process id in its name is the one that the process knows, and /tmp is that of its mount
 * namespace. Anybody may make a file there: it counts only if it is a regular file of the target's own user. Nothing is
 * looked up where a process may serve the answers: each step's mount is known before the next is made, and the file
 * must be on the mount of its directory.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { type Mount, mountIdOf } from '../../platform/mount-info.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { codeOf, type Losses } from '../failure.js';
import { openBelowRoot, reopenRegular } from './files.js';
import { isOwnLookUp } from './served-files.js';

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * A descriptor, or -1. `root`: the process's root directory; `mounts`: what it sees mounted; `nspid`: its id in its
 * innermost pid namespace; `uid`: its effective user.
 */
export function openPerfMap(
  addon: TracingAddon,
  root: number,
  mounts: ReadonlyMap<number, Mount>,
  nspid: number,
  uid: number,
): number {
  let fd = -1;
  try {
    fd = openIn(addon, root, mounts, `perf-${nspid}.map`);
    // It is the exception that a process has one.
    if (fd < 0) return -1;
    fd = reopenRegular(fd);
    if (fstatSync(fd).uid === uid) return fd;
  } catch {
    // No regular file, or before Linux 5.6 none at all.
    fd = -1;
  }
  if (fd >= 0) closeSync(fd);
  return -1;
}

/** An O_PATH descriptor of a file in `tmp`, or -1. */
function openIn(addon: TracingAddon, root: number, mounts: ReadonlyMap<number, Mount>, name: string): number {
  if (!isOwnLookUp(root, mounts)) return -1;
  const directory = openBelowRoot(addon, root, 'tmp');
  if (directory < 0) return -1;
  let fd = -1;
  try {
    if (!isOwnLookUp(directory, mounts)) return -1;
    fd = openBelowRoot(addon, directory, name);
    if (fd < 0 || mountIdOf(fd) === mountIdOf(directory)) return fd;
    // A file may be mounted on a file, too.
    closeSync(fd);
    return -1;
  } finally {
    closeSync(directory);
  }
}

/** The file's first `limit` bytes (at most 8 MiB), in whole lines; nothing of -1. Closes it. */
export function readPerfMap(fd: number, limit: number, losses: Losses): Buffer {
  if (fd < 0) return Buffer.alloc(0);
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(size, limit, MAX_BYTES)));
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, length);
      if (count === 0) break;
      length += count;
    }
    if (length < size) losses.add('perf map', `${length} of ${size} bytes were kept`);
    return buffer.subarray(0, buffer.subarray(0, length).lastIndexOf(0x0a) + 1);
  } catch (error) {
    losses.add('perf map', codeOf(error));
    return Buffer.alloc(0);
  } finally {
    closeSync(fd);
  }
}
