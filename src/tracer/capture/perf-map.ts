/**
 * /tmp/perf-PID.map, where runtimes that compile at run time (Node, the JVM with an agent, ...) leave the names of their functions. The
 * process id in its name is the one that the process knows, and /tmp is that of its mount namespace. Anybody may make a file there:
 * it counts only if it is a regular file of the target's own user.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { TracingAddon } from '../../platform/ptrace.js';
import { codeOf, type Losses } from '../failure.js';
import { openBelowRoot, reopenRegular } from './files.js';

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * A descriptor, or -1. `root`: the process's root directory; `nspid`: its id in its innermost pid namespace; `uid`: its effective
 * user.
 */
export function openPerfMap(addon: TracingAddon, root: number, nspid: number, uid: number): number {
  let fd = -1;
  try {
    fd = openBelowRoot(addon, root, `tmp/perf-${nspid}.map`);
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
