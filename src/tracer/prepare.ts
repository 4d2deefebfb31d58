/**
 * What is read while the target does not stand still for it: before the freeze of a live process, during the crashed thread's way to its
 * signal. The maps are read again when it stands; nothing else here matters to the unwinder.
 */
import { closeSync } from 'node:fs';
import { Auxv } from '../minidump/auxv.js';
import type { CopyRange } from '../minidump/copy-plan.js';
import { readProcFile } from '../platform/proc-file.js';
import { type Mapping, parseMaps } from '../platform/proc-maps.js';
import { type ProcStat, readTaskStat } from '../platform/proc-stat.js';
import { parseProcStatus } from '../platform/proc-status.js';
import { readTaskIds, readTaskName } from '../platform/proc-tasks.js';
import type { TracingAddon } from '../platform/ptrace.js';
import type { CaptureJob } from '../protocol/job.js';
import { auxiliaryValue, wordSizeOf } from './auxiliary.js';
import { moduleRanges } from './copy.js';
import { type Details, readDetails } from './details.js';
import { CaptureError, type Losses } from './failure.js';
import { MappedFiles } from './files.js';
import { linkerRanges } from './linker-memory.js';
import { openPerfMap } from './perf-map.js';
import { type KnownDisks, servedMappings } from './served-files.js';

/** A mapping's line takes 73 bytes and its name; the kernel's default of 65,530 mappings fits. */
const MAPS_BYTES = 32 * 1024 * 1024;
const TEXT_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

export class Prepared {
  readonly pid: number;
  /** Threads, ascending. */
  readonly tids: readonly number[];
  readonly names = new Map<number, string>();
  readonly files: MappedFiles;
  /** Any thread that has memory: not a main thread that has ended. */
  tid: number;
  mapsText: Buffer = EMPTY;
  mappings: readonly Mapping[] = [];
  /** Those of them that are not to be touched. */
  served: readonly Mapping[] = [];
  readonly #disks: KnownDisks = new Set();
  /** What is copied of each module. */
  modulePages: readonly CopyRange[] = [];
  /** The dynamic linker's data, where the dump is to be kept. */
  readonly linkerPages: readonly CopyRange[];
  /** What only a dump that is kept shows. */
  readonly details: Details;
  status: Buffer = EMPTY;
  stat: ProcStat | null = null;
  auxv: Buffer = EMPTY;
  commandLine: Buffer = EMPTY;
  /** -1: there is none. */
  perfMap = -1;

  /** Throws CaptureError when the process is gone. */
  constructor(addon: TracingAddon, job: CaptureJob, losses: Losses) {
    const { pid, tid } = job;
    this.pid = pid;
    this.files = new MappedFiles(addon);
    this.tids = readTaskIds(pid);
    if (this.tids.length === 0) throw new CaptureError(`process ${pid} is gone`);
    for (const each of this.tids) this.#readName(each);
    this.tid = tid;
    let maps = this.#read('maps', MAPS_BYTES, losses);
    // A main thread that has ended has no memory any more, its siblings do.
    for (let i = 0; maps.length === 0 && i < this.tids.length; i++) {
      this.tid = this.tids[i]!;
      maps = this.#read('maps', MAPS_BYTES, losses);
    }
    this.status = this.#read('status', TEXT_BYTES, losses, pid);
    this.stat = readTaskStat(pid, pid);
    this.#useMaps(addon, maps, losses);
    this.#readImage(losses);
    const status = parseProcStatus(this.status.toString('latin1'));
    if (status !== null) this.perfMap = openPerfMap(addon, this.tid, status.nspid.at(-1)!, status.uid.effective);
    this.details = readDetails(job, this.tid, this.#mayReadArguments(), losses);
    // What is blanked in data would be missing in the list.
    this.linkerPages = job.kind === 'backtrace' || job.sanitizeStacks === true ? [] : this.#findLinkerPages();
  }

  /** comm of a thread; null when it was gone before that could be read. */
  nameOf(tid: number): string | null {
    return this.names.get(tid) ?? this.#readName(tid);
  }

  /**
   * Reads the maps of the process again, now that it stands still. Where they have changed, everything that comes from them is made anew.
   */
  refresh(addon: TracingAddon, losses: Losses): void {
    const maps = this.#read('maps', MAPS_BYTES, losses);
    if (maps.equals(this.mapsText)) return;
    this.#useMaps(addon, maps, losses);
    this.#readImage(losses);
  }

  close(): void {
    this.files.close();
    if (this.perfMap >= 0) closeSync(this.perfMap);
    this.perfMap = -1;
  }

  #useMaps(addon: TracingAddon, text: Buffer, losses: Losses): void {
    this.mapsText = text;
    this.mappings = parseMaps(text).mappings;
    this.modulePages = moduleRanges(this.mappings);
    this.served = servedMappings(addon, this.tid, this.mappings, this.#disks);
    this.files.open(this.tid, this.mappings, this.served, losses);
  }

  #findLinkerPages(): CopyRange[] {
    const wordSize = wordSizeOf(this.auxv);
    const [entry, linker] = [Auxv.AT_ENTRY, Auxv.AT_BASE].map((type) => auxiliaryValue(this.auxv, wordSize, type));
    return linkerRanges(this.mappings, entry!, linker!);
  }

  /** What an exec would change too. */
  #readImage(losses: Losses): void {
    this.auxv = this.#read('auxv', TEXT_BYTES, losses);
    if (this.#mayReadArguments()) this.commandLine = this.#read('cmdline', TEXT_BYTES, losses);
    else losses.add('proc', `/proc/${this.tid}/cmdline: on a file system that a process serves`);
  }

  /** The kernel reads command line and environment from the process's memory; what it reads of one may reach into the other. */
  #mayReadArguments(): boolean {
    if (this.served.length === 0) return true;
    const stat = readTaskStat(this.pid, this.tid);
    if (stat === null || stat.arguments.end === 0) return false;
    return [stat.arguments, stat.environment].every(
      (range) => !this.served.some(({ start, end }) => range.start < end && start <= range.end),
    );
  }

  #readName(tid: number): string | null {
    const name = readTaskName(this.pid, tid);
    if (name !== null) this.names.set(tid, name);
    return name;
  }

  #read(name: string, limit: number, losses: Losses, tid = this.tid): Buffer {
    const path = `/proc/${tid}/${name}`;
    const file = readProcFile(path, limit);
    if (!file.ok) {
      losses.add('proc', `${path}: ${file.code}`);
      return EMPTY;
    }
    if (file.truncated) losses.add('proc', `${path}: only its first ${limit} bytes`);
    return file.bytes;
  }
}
