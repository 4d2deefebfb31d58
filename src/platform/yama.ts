/**
 * Yama (ptrace(2), "/proc/sys/kernel/yama/ptrace_scope"): the security module that restricts who may attach to whom.
 */
import { readProcStatus } from './proc-status.js';
import { readSysctl } from './sysctl.js';

/** Generations of parents looked at; a deeper tree counts as not related. */
const MAX_ANCESTORS = 256;

/** 0: no restriction, or no Yama; 1: only an ancestor may attach; 2: only who has CAP_SYS_PTRACE; 3: nobody. */
export function readYamaScope(): number {
  return readSysctl('kernel/yama/ptrace_scope', 0);
}

/** Whether the process of thread `tid` is `ancestor` or comes from it. */
export function descendsFrom(tid: number, ancestor: number): boolean {
  const status = readProcStatus(tid);
  if (status === null) return false;
  if (status.tgid === ancestor) return true;
  let parent = status.ppid;
  for (let generation = 0; generation < MAX_ANCESTORS && parent > 1; generation++) {
    if (parent === ancestor) return true;
    parent = readProcStatus(parent)?.ppid ?? 0;
  }
  return false;
}
