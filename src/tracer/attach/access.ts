/**
 * May the asking user trace this process? The kernel says so: a child with the user's ids, in the user's user namespace
 * and without any capability asks it (mayTrace). While the threads are stopped the answer holds: none of them can
 * execute another program, change its ids or give up being dumpable before the copy is made.
 *
 * Where this differs from a debugger of that user (each time it is the user who gets less): capabilities of the asking
 * process do not count, since it may have executed a program with capabilities after it connected; nor is a process
 * that is not dumpable shown to itself. A security module (SELinux, AppArmor) judges the child by the daemon's label.
 * Yama asks for an ancestor of the target, which the child is not: that part is looked up, and the kernel is asked for
 * the rest.
 */
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoName } from '../../platform/proc-file.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { readSysctl } from '../../platform/sysctl.js';
import { descendsFrom, readYamaScope } from '../../platform/yama.js';
import type { Asker } from '../../wire/job.js';
import { codeOf } from '../failure.js';

const { EPERM } = constants.errno;
/** The child needs 0.05 ms; the user whose ids it has may stop it. */
const TIMEOUT_MS = 1000;

/** Why `asker` may not trace all of the threads `tids` of process `pid`; null when it may. */
export function accessProblem(addon: TracingAddon, asker: Asker, pid: number, tids: readonly number[]): string | null {
  let namespace = -1;
  try {
    if (asker.userNamespace !== readlinkSync('/proc/self/ns/user')) {
      // Joining a namespace would make the tracer's memory dumpable for a moment, with no capability that the user
      // lacks there.
      if (readSysctl('fs/suid_dumpable', 0) === 1) return 'fs.suid_dumpable is 1: no answers to other user namespaces';
      namespace = openNamespace(asker);
    }
    const errno = -ask(addon, asker, pid, Int32Array.from(tids), namespace);
    if (errno === 0) return null;
    const what = errno === EPERM ? 'may not trace' : `cannot be asked about (${errnoName(errno)})`;
    return `uid ${asker.uid} ${what} process ${pid}: other ids, not dumpable, or more rights (ptrace(2))`;
  } catch (error) {
    return `the asking process is gone (${codeOf(error)})`;
  } finally {
    if (namespace >= 0) closeSync(namespace);
  }
}

function ask(addon: TracingAddon, asker: Asker, pid: number, tids: Int32Array, namespace: number): number {
  const { uid, gid } = asker;
  const result = addon.mayTrace(tids, uid, gid, namespace, true, TIMEOUT_MS);
  if (result !== -EPERM || readYamaScope() !== 1 || !descendsFrom(pid, asker.pid)) return result;
  return addon.mayTrace(tids, uid, gid, namespace, false, TIMEOUT_MS);
}

/**
 * The pid may have passed to another process: what is opened must be the namespace that was seen while the asker was
 * known to live.
 */
function openNamespace({ pid, userNamespace }: Asker): number {
  const fd = openSync(`/proc/${pid}/ns/user`, 'r');
  try {
    if (readlinkSync(`/proc/self/fd/${fd}`) === userNamespace) return fd;
  } catch {
    // As below.
  }
  closeSync(fd);
  throw new Error('its user namespace is another now');
}
