/**
 * What the kernel itself knows of a process, and no page of its memory. It is copied while the process is there, before
 * the freeze of a live one, during a crashing one's way to its signal; and made out when it runs on, or has died.
 */
import { closeSync } from 'node:fs';
import type { OpenFile } from '../../minidump/writer/handles-from-fds.js';
import { parseMounts } from '../../platform/mount-info.js';
import { type ProcStat, parseProcStat } from '../../platform/proc-stat.js';
import { parseProcStatus } from '../../platform/proc-status.js';
import { TaskNames } from '../../platform/proc-tasks.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { Losses } from '../failure.js';
import { OpenFiles } from './open-files.js';
import { openPerfMap } from './perf-map.js';
import { readTexts } from './proc-texts.js';

const NOTHING = { limits: Buffer.alloc(0), cgroup: Buffer.alloc(0) };

export interface LookedAt {
  readonly pid: number;
  /** Any live thread of it. */
  readonly tid: number;
  /** Threads whose names are wanted. */
  readonly tids: readonly number[];
  /** /proc/PID/status where it was read already. */
  readonly status: Buffer | null;
}

export class Facts {
  readonly #addon: TracingAddon;
  readonly #names: TaskNames;
  /** /proc/PID/status. */
  readonly status: Buffer;
  readonly #stat: Buffer;
  /** /proc/PID/limits and cgroup: of dumps that are kept, empty for others. */
  readonly limits: Buffer;
  readonly cgroup: Buffer;
  readonly #openFiles: OpenFiles | null;
  /** Its root directory outlives the process. */
  readonly #root: number;
  /** /proc/PID/mountinfo. */
  readonly #mounts: Buffer;

  /** `withDetails`: for a dump that is kept. */
  constructor(addon: TracingAddon, process: LookedAt, withDetails: boolean, losses: Losses) {
    const { pid, tid, tids, status } = process;
    this.#addon = addon;
    this.#names = new TaskNames(pid, tids);
    type Texts = { readonly stat: Buffer; readonly status?: Buffer };
    const texts: Texts = readTexts(pid, status === null ? ['stat', 'status'] : ['stat'], losses);
    this.#stat = texts.stat;
    this.status = status ?? texts.status!;
    const { limits, cgroup } = withDetails ? readTexts(tid, ['limits', 'cgroup'], losses) : NOTHING;
    this.limits = limits;
    this.cgroup = cgroup;
    this.#openFiles = withDetails ? new OpenFiles(tid) : null;
    this.#root = addon.openPath(`/proc/${tid}/root`);
    this.#mounts = readTexts(tid, ['mountinfo'], losses).mountinfo;
  }

  get stat(): ProcStat | null {
    return parseProcStat(this.#stat.toString('latin1'));
  }

  /** Ascending. */
  openFiles(losses: Losses): OpenFile[] {
    return this.#openFiles?.list(losses) ?? [];
  }

  /** comm by thread id; null for those that were gone. */
  names(): Map<number, string | null> {
    return this.#names.toMap();
  }

  /** A descriptor of /tmp/perf-PID.map, the caller's to close; -1: there is none. */
  openPerfMap(): number {
    const ids = parseProcStatus(this.status.toString('latin1'));
    if (ids === null || this.#root < 0) return -1;
    const mounts = parseMounts(this.#mounts.toString('latin1'));
    return openPerfMap(this.#addon, this.#root, mounts, ids.nspid.at(-1)!, ids.uid.effective);
  }

  close(): void {
    if (this.#root >= 0) closeSync(this.#root);
  }
}
