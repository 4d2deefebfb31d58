/**
 * /proc/PID/status and /proc/PID/task/TID/status (proc_pid_status(5)): identity and credentials of a thread. The file
 * is made by the kernel without taking the target's memory lock, so reading it does not wait for the target.
 */
import { readProcFile } from './proc-file.js';
import { readTaskIds } from './proc-tasks.js';

/** A process may be in 65,536 groups (NGROUPS_MAX), each of them up to eleven characters of the file. */
export const STATUS_BYTES = 1024 * 1024;

/** Real, effective, saved and file-system id, as the reader's user namespace shows them. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly fs: number;
}

export interface ProcStatus {
  /** comm with the kernel's escapes (\n, \\) undone; up to 15 bytes (longer for kernel threads). */
  readonly name: string;
  /** Thread id, process id and parent's process id, as the reader's /proc shows them. */
  readonly pid: number;
  readonly tgid: number;
  readonly ppid: number;
  /** Process id of its ptracer, 0: none. */
  readonly tracerPid: number;
  readonly uid: Ids;
  readonly gid: Ids;
  /** Thread id in each pid namespace, from that of the reader's /proc to its own, innermost last. */
  readonly nspid: readonly number[];
  /** Permitted capabilities, a bit set. */
  readonly permittedCapabilities: bigint;
}

/** The last of the fields that are looked at, in the kernel's order (fs/proc/array.c), and all of them. */
const LAST = 'CapPrm';
const WANTED: ReadonlySet<string> = new Set(['Name', 'Tgid', 'Pid', 'PPid', 'TracerPid', 'Uid', 'Gid', 'NSpid', LAST]);

/** Parses the file's text; null when a field is missing or malformed. */
export function parseProcStatus(text: string): ProcStatus | null {
  const fields = new Map<string, string>();
  for (let at = 0; at < text.length && !fields.has(LAST); ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const colon = text.indexOf(':', at);
    if (colon > at && colon < end) {
      const key = text.slice(at, colon);
      // The first wins: no later line can speak for an earlier one.
      if (WANTED.has(key) && !fields.has(key)) fields.set(key, text.slice(colon + 1, end).trim());
    }
    at = end + 1;
  }
  const pid = decimal(fields.get('Pid'));
  const tgid = decimal(fields.get('Tgid'));
  const ppid = decimal(fields.get('PPid'));
  const tracerPid = decimal(fields.get('TracerPid'));
  const uid = ids(fields.get('Uid'));
  const gid = ids(fields.get('Gid'));
  const capabilities = fields.get('CapPrm');
  if (pid === null || tgid === null || ppid === null || tracerPid === null || uid === null || gid === null) return null;
  if (capabilities === undefined || !/^[0-9a-f]{1,16}$/.test(capabilities)) return null;
  // Kernels without pid namespaces have no NSpid line.
  const nspid = numbers(fields.get('NSpid') ?? String(pid));
  if (nspid === null || nspid.length === 0) return null;
  const name = (fields.get('Name') ?? '').replace(/\\(n|\\)/g, (_, escaped) => (escaped === 'n' ? '\n' : '\\'));
  return { name, pid, tgid, ppid, tracerPid, uid, gid, nspid, permittedCapabilities: BigInt(`0x${capabilities}`) };
}

/** The status of a process (`tid` its id) or of any thread by its id; null when there is none. */
export function readProcStatus(tid: number): ProcStatus | null {
  return readStatus(`/proc/${tid}/status`);
}

/** The status of thread `tid` of process `pid`; null when the process has no such thread. */
export function readTaskStatus(pid: number, tid: number): ProcStatus | null {
  return readStatus(`/proc/${pid}/task/${tid}/status`);
}

function readStatus(path: string): ProcStatus | null {
  const file = readProcFile(path, STATUS_BYTES);
  return file.ok ? parseProcStatus(file.bytes.toString('utf8')) : null;
}

/** How many threads a translation looks at before it gives way to other work. */
const TASKS_AT_ONCE = 64;

/**
 * The status of a thread by the id that its process knows (its gettid(), of its own pid namespace), for a reader whose
 * /proc may show another. Null when the process has no such thread.
 */
export async function findTask(pid: number, tid: number): Promise<ProcStatus | null> {
  const same = readTaskStatus(pid, tid);
  // Of one namespace only: the ids are the same. As a rule that is it, with a single file read.
  if (same?.nspid.length === 1) return same;
  const leader = readProcStatus(pid);
  if (leader === null || leader.nspid.length === 1) return null;
  if (leader.nspid.at(-1) === tid) return leader;
  const tasks = readTaskIds(pid);
  for (let at = 0; at < tasks.length; at++) {
    const status = readTaskStatus(pid, tasks[at]!);
    if (status?.nspid.at(-1) === tid) return status;
    if (at % TASKS_AT_ONCE === TASKS_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return null;
}

function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function numbers(text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const values = text.split(/\s+/).map((word) => decimal(word));
  return values.every((value) => value !== null) ? values : null;
}

function ids(text: string | undefined): Ids | null {
  const [real, effective, saved, fs] = numbers(text) ?? [];
  if (real === undefined || effective === undefined || saved === undefined || fs === undefined) return null;
  return { real, effective, saved, fs };
}
