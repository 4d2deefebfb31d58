/**
 * What is read while the target does not stand still for it: before the freeze of a live process; of a crashing one on
 * its way to its signal, but for the maps and what follows from them, which are read once, when it has come.
 */
import { Auxv } from '../../linux/auxv.js';
import { type MapsEntry, parseMaps } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import { readTaskStat } from '../../platform/proc-stat.js';
import { readTaskName } from '../../platform/proc-tasks.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { CaptureJob } from '../../wire/job.js';
import { auxvValue, wordSizeOf } from '../capture/auxv.js';
import { moduleRanges } from '../capture/copy.js';
import { MappedFiles } from '../capture/files.js';
import { linkerRanges } from '../capture/linker-memory.js';
import { readTexts } from '../capture/proc-texts.js';
import { Facts } from '../capture/process-info.js';
import { type KnownDisks, servedMappings } from '../capture/served-files.js';
import type { Losses } from '../failure.js';

const EMPTY = Buffer.alloc(0);

export class Prepared {
  readonly files: MappedFiles;
  /** Any thread that has memory: not a main thread that has ended. */
  tid: number;
  mapsText: Buffer = EMPTY;
  mappings: readonly MapsEntry[] = [];
  /** Those of them that are not to be touched. */
  served: readonly MapsEntry[] = [];
  readonly #disks: KnownDisks = new Set();
  /** What is copied of each module. */
  modulePages: readonly CopyRange[] = [];
  auxv: Buffer = EMPTY;
  commandLine: Buffer = EMPTY;
  /** /proc/PID/environ; empty unless the job wants it. */
  environ: Buffer = EMPTY;
  readonly #addon: TracingAddon;
  readonly #job: CaptureJob;
  readonly #losses: Losses;
  #facts: Facts | null = null;
  #names: Map<number, string | null> | null = null;

  constructor(addon: TracingAddon, job: CaptureJob, losses: Losses) {
    this.#addon = addon;
    this.#job = job;
    this.#losses = losses;
    this.tid = job.tid;
    this.files = new MappedFiles(addon);
  }

  /** `tids`: threads of the process; `status`: /proc/PID/status where it was read already. */
  readFacts(tids: readonly number[], status: Buffer | null = null): void {
    const { pid, kind } = this.#job;
    this.#facts = new Facts(this.#addon, { pid, tid: this.tid, tids, status }, kind !== 'backtrace', this.#losses);
  }

  /** Once they were read. */
  get facts(): Facts {
    return this.#facts!;
  }

  /**
   * Reads the maps. Where they have changed, or are read for the first time, everything that comes from them is made
   * anew.
   */
  readMaps(): void {
    const { maps } = readTexts(this.tid, ['maps'], this.#losses);
    if (maps.equals(this.mapsText)) return;
    this.mapsText = maps;
    this.mappings = parseMaps(maps).mappings;
    this.modulePages = moduleRanges(this.mappings);
    this.served = servedMappings(this.#addon, this.tid, this.mappings, this.#disks);
    this.#readImage();
    this.files.open(this.tid, this.mappings, this.served, this.#losses);
  }

  /** The dynamic linker's data, where the dump is to be kept. What is blanked in data would be missing in the list. */
  get linkerPages(): readonly CopyRange[] {
    if (this.#job.kind === 'backtrace' || this.#job.sanitizeStacks === true) return [];
    const wordSize = wordSizeOf(this.auxv);
    const [entry, linker] = [Auxv.AT_ENTRY, Auxv.AT_BASE].map((type) => auxvValue(this.auxv, wordSize, type));
    return linkerRanges(this.mappings, entry!, linker!);
  }

  /** comm of a thread; null when it was gone before that could be read. */
  nameOf(tid: number): string | null {
    this.#names ??= this.facts.names();
    return this.#names.get(tid) ?? readTaskName(this.#job.pid, tid);
  }

  close(): void {
    this.files.close();
    this.#facts?.close();
  }

  /** What an exec changes too. */
  #readImage(): void {
    const ofMemory = this.#job.environ === true ? (['cmdline', 'environ'] as const) : (['cmdline'] as const);
    const allowed = this.#mayReadArguments();
    type Texts = { readonly auxv: Buffer; readonly cmdline?: Buffer; readonly environ?: Buffer };
    const texts: Texts = readTexts(this.tid, allowed ? ['auxv', ...ofMemory] : ['auxv'], this.#losses);
    this.auxv = texts.auxv;
    this.commandLine = texts.cmdline ?? EMPTY;
    this.environ = texts.environ ?? EMPTY;
    if (allowed) return;
    for (const name of ofMemory) {
      this.#losses.add('proc', `/proc/${this.tid}/${name}: on a file system that a process serves`);
    }
  }

  /**
   * The kernel reads command line and environment from the process's memory; what it reads of one may reach into the
   * other.
   */
  #mayReadArguments(): boolean {
    if (this.served.length === 0) return true;
    const stat = readTaskStat(this.#job.pid, this.tid);
    if (stat === null || stat.arguments.end === 0) return false;
    return [stat.arguments, stat.environment].every(
      (range) => !this.served.some(({ start, end }) => range.start < end && start <= range.end),
    );
  }
}
