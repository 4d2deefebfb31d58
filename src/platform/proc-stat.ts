/** /proc/PID/stat and /proc/PID/task/TID/stat (proc_pid_stat(5)): state and times of a thread. */
import { readProcFile } from './proc-file.js';

export interface ProcStat {
  /** comm, up to 15 bytes. */
  readonly name: string;
  /** R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, X dead. */
  readonly state: string;
  /** Clock ticks (100 a second) in user and kernel mode. */
  readonly userTicks: number;
  readonly kernelTicks: number;
  readonly nice: number;
  /** Start, in clock ticks since boot: with the pid it names a process for good. */
  readonly startTicks: number;
  /** Where arguments and environment were put at the start; empty where that is not told. */
  readonly arguments: { readonly start: number; readonly end: number };
  readonly environment: { readonly start: number; readonly end: number };
}

/** Parses the file's text; null when it is malformed. The name may hold anything, so the last parenthesis ends it. */
export function parseProcStat(text: string): ProcStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(' ');
  const [state] = fields;
  // Field 3 of the manual page, the state, is the first here.
  const [userTicks, kernelTicks, nice, startTicks] = [14, 15, 19, 22].map((field) => Number(fields[field - 3]));
  if (state === undefined || !/^[A-Za-z]$/.test(state)) return null;
  if (!isCount(userTicks) || !isCount(kernelTicks) || !Number.isInteger(nice) || !isCount(startTicks)) return null;
  const range = (field: number) => {
    const [start = 0, end = 0] = [fields[field - 3], fields[field - 2]].map(Number);
    return isCount(start) && isCount(end) && start <= end ? { start, end } : { start: 0, end: 0 };
  };
  return {
    name: text.slice(open + 1, close),
    state,
    userTicks,
    kernelTicks,
    nice: nice!,
    startTicks,
    arguments: range(48),
    environment: range(50),
  };
}

/** The stat of thread `tid` of process `pid`; null when the process has no such thread. */
export function readTaskStat(pid: number, tid: number): ProcStat | null {
  const file = readProcFile(`/proc/${pid}/task/${tid}/stat`, 4096);
  return file.ok ? parseProcStat(file.bytes.toString('latin1')) : null;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0;
}
