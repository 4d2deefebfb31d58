/**
 * How far a worker stands back while it serves a user: its nice value (setpriority(2)), which counts only where others
 * want the processors, too. A user who asks again and again has the workers for itself on an idle machine, and costs
 * others little on a busy one.
 */
import { readProcStatus } from '../../platform/proc-status.js';

/** Time of the workers that a user has had lately (RecentUse.of, units of 100 ms), and the nice value from there on. */
const STEPS = [
  [60, 19],
  [30, 10],
  [10, 5],
] as const;
/** Bit 23 of linux/capability.h: without it a nice value cannot be lowered again. */
const CAP_SYS_NICE = 1n << 23n;

/** Root's requests, and those of who has had little, are served as usual. */
export function nicenessFor(uid: number, spent: number): number {
  if (uid === 0) return 0;
  return STEPS.find(([least]) => spent >= least)?.[1] ?? 0;
}

let allowed: boolean | undefined;

/** Whether this process may change nice values both ways. */
export function mayRenice(): boolean {
  allowed ??= ((readProcStatus(process.pid)?.permittedCapabilities ?? 0n) & CAP_SYS_NICE) !== 0n;
  return allowed;
}
