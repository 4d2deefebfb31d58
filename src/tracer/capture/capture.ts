/**
 * One capture: freeze, copy, release. The target stands still for the copy only; what can be read before is read
 * before, what can be written after is written after. A crashing process differs in the beginning, where its signal is
 * waited for, and in the end that it is let go into.
 */
import { Auxv } from '../../linux/auxv.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import { readProcFile } from '../../platform/proc-file.js';
import { STATUS_BYTES } from '../../platform/proc-status.js';
import { readTaskIds } from '../../platform/proc-tasks.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { CaptureJob, CaptureLimits } from '../../wire/job.js';
import type { StepTimer } from '../../wire/step-timer.js';
import { accessProblem } from '../attach/access.js';
import { awaitFatalSignal } from '../attach/crash-wait.js';
import { Frozen, freeze, seize, type Unstopped, whyUnstopped } from '../attach/freeze.js';
import { identityProblem } from '../attach/identity.js';
import { Prepared } from '../attach/prepare.js';
import { release } from '../attach/release.js';
import type { Deadline } from '../deadline.js';
import { CaptureError, Losses } from '../failure.js';
import { type ForkedCopy, forkCopy } from '../full-memory/forked-copy.js';
import { fullRanges } from '../full-memory/full-memory.js';
import { auxvValue } from './auxv.js';
import { type CopiedMemory, copyMemory } from './copy.js';
import { mapsBytes, moduleBytes } from './dump-budget.js';
import type { Block, MemoryCopy } from './memory-copy.js';
import { RegisterFiles, reserveRegisters } from './registers.js';
import { SIGINFO_SIZE } from './siginfo.js';

/**
 * For the tracer's own warm-up on a process that must live on: raises the signal, which is not delivered in the end.
 */
export interface Rehearsal {
  provoke(): void;
}

export interface CaptureTools {
  readonly addon: TracingAddon;
  readonly memory: MemoryCopy;
  readonly deadline: Deadline;
  readonly watch: StepTimer;
  /** Tells the client that its process has been attached to. */
  acknowledge(): void;
  readonly rehearsal: Rehearsal | null;
}

/** Small tables and texts that every dump has: directory, system info, status, auxv, soft errors, ... */
const FIXED_BYTES = 64 * 1024;
/** Some 20 ms: a process of more threads is not worth it that everybody else waits. */
const MAX_FIRST = 2000;
/** Entry of a module, and its name of usual length as UTF-16. */
const BYTES_PER_MODULE = 256;

/**
 * A target from the attach to the release. Make it, `copy`, look at the results, `release`, `close`; `release` always.
 */
export class Capture {
  readonly job: CaptureJob;
  readonly losses = new Losses();
  timeMs = 0;
  siginfo: Buffer | null = null;
  /** Threads that were there and could not be stopped. */
  unstopped: readonly Unstopped[] = [];
  readonly #tools: CaptureTools;
  readonly #frozen: Frozen;
  #prepared: Prepared | null = null;
  #registers: RegisterFiles | null = null;
  #memory: CopiedMemory | null = null;
  #linker: readonly Block[] = [];
  #forkedCopy: ForkedCopy | null = null;
  /**
   * What a full capture copies later: ranges of the memory of process `source`. Of the target while it is held, or of
   * its child.
   */
  full: { readonly source: number; readonly ranges: readonly CopyRange[] } | null = null;
  /** The crashing thread is attached and runs. */
  #running = false;
  #identity: Buffer | null = null;

  constructor(job: CaptureJob, tools: CaptureTools) {
    this.job = job;
    this.#tools = tools;
    this.#frozen = new Frozen(job.pid);
  }

  get prepared(): Prepared {
    return this.#prepared!;
  }

  get registers(): RegisterFiles {
    return this.#registers!;
  }

  get memory(): CopiedMemory {
    return this.#memory!;
  }

  /** Freezes and copies. Throws CaptureError; call `release` then too. */
  copy(): void {
    if (this.job.kind === 'crash') this.#freezeCrashing();
    else this.#freezeLive();
    this.#read();
    if (this.job.full === 'fork') this.#fork();
    // Who is held is held for longer than anybody should wait for a processor.
    if (this.held) this.#tools.addon.goFirst(false);
  }

  /** The target has to be held for what is still to be done: no child has its memory. */
  get held(): boolean {
    return this.job.hold && this.#forkedCopy === null;
  }

  /** Lets the target go. Returns false when only the end of this process can free all of it. */
  release(): boolean {
    const { addon, watch } = this.#tools;
    const free = release(addon, this.#frozen, this.#running ? this.job.tid : -1);
    addon.goFirst(false);
    this.#running = false;
    watch.lap('release');
    return free;
  }

  /**
   * What can be judged after the release of a live process, so that it does not wait for that: was it the right one?
   * Throws CaptureError.
   */
  verify(): void {
    if (this.#identity === null) return;
    const problem = identityProblem(this.job, this.#identity.toString('utf8'));
    if (problem !== null) throw new CaptureError(problem);
  }

  /** Finds out which memory a full capture will copy. After the release where there is a child. */
  findRanges(): void {
    if (this.job.full === undefined) return;
    const source = this.#forkedCopy?.pid ?? this.prepared.tid;
    this.full = { source, ranges: this.#allMemory(source) };
    this.#tools.watch.lap('ranges');
  }

  /** All memory of a process that is the target or its copy. */
  #allMemory(source: number): CopyRange[] {
    const { prepared, registers, losses } = this;
    const pageSize = auxvValue(prepared.auxv, registers.arch!.wordSize, Auxv.AT_PAGESZ);
    return fullRanges(source, pageSize, prepared.served, losses);
  }

  /** Ends what is left; why something is left nevertheless, null as a rule. */
  close(): string | null {
    this.#prepared?.close();
    this.#tools.memory.reset();
    reserveRegisters(0, false);
    const left = this.#forkedCopy?.end() ?? null;
    this.#forkedCopy = null;
    return left;
  }

  #freezeLive(): void {
    const { job } = this;
    const { addon, deadline, watch } = this.#tools;
    const tids = this.#prepareLive();
    if (!tids.includes(job.tid)) {
      throw new CaptureError(`thread ${job.tid} is no thread of process ${job.pid}`);
    }
    // Nobody makes a stranger's process stand still. What counts is asked again when it does.
    this.#checkAccess([this.prepared.tid]);
    this.timeMs = Date.now();
    // Each thread that is stopped or let go runs for a moment: not in this one's place, while others stand still.
    if (tids.length <= MAX_FIRST) addon.goFirst(true);
    freeze(addon, this.#frozen, requestedFirst(tids, job.tid), deadline);
    watch.lap('freeze');
    const refused = this.#frozen.unstopped.find(({ tid, attached }) => tid === job.tid && !attached);
    const first = refused ?? this.#frozen.unstopped[0];
    if (this.#frozen.tids.length > 0 && (refused === undefined || this.#isZombie())) {
      this.#checkAccess(this.#frozen.tids);
      return;
    }
    throw new CaptureError(
      first === undefined ? `process ${job.pid} is gone` : `thread ${first.tid}: ${whyUnstopped(job.pid, first)}`,
    );
  }

  /** The main thread may have ended while others live: then there is a process to look at. */
  #isZombie(): boolean {
    return this.prepared.tid !== this.job.tid;
  }

  #freezeCrashing(): void {
    const { job } = this;
    const { addon, deadline, watch, rehearsal } = this.#tools;
    seize(addon, job.pid, job.tid);
    this.#running = true;
    this.#frozen.addKnown(job.tid);
    this.#readIdentity();
    this.verify();
    // Most often it is alone: the list is read where it is not.
    freeze(addon, this.#frozen, [], deadline);
    watch.lap('freeze');
    this.#tools.acknowledge();
    rehearsal?.provoke();
    // The thread is on its way to its signal; the others stand still.
    this.#prepared = new Prepared(addon, job, this.losses);
    const isMain = job.tid === job.pid;
    this.#prepared.readFacts([job.tid, ...this.#frozen.tids], isMain ? this.#identity : null);
    this.#tools.memory.reset();
    this.#reserve(this.#frozen.tids.length + 1);
    watch.lap('facts');
    const signal = awaitFatalSignal(addon, job.tid, this.#frozen, deadline);
    this.timeMs = Date.now();
    this.#running = false;
    this.#frozen.addCrashed(job.tid, rehearsal === null ? signal : 0);
    this.siginfo = Buffer.alloc(SIGINFO_SIZE);
    addon.getSigInfo(job.tid, this.siginfo);
    watch.lap('wait');
  }

  #read(): void {
    const { job, losses } = this;
    const { addon, memory, watch } = this.#tools;
    const { tids } = this.#frozen;
    this.unstopped = this.#frozen.unstopped;
    this.#registers = new RegisterFiles(addon, tids, job.kind !== 'backtrace');
    watch.lap('registers');
    if (job.kind !== 'crash') this.#readIdentity();
    const { prepared, registers } = this;
    prepared.tid = tids[0]!;
    prepared.readMaps();
    watch.lap('maps');
    const isCrash = job.kind === 'crash';
    memory.forbid(prepared.served, losses);
    const { arch } = registers;
    if (arch === null)
      throw new CaptureError(`thread ${tids[0]}: its registers (${registers.sizeOf(0)}) are of no CPU known here`);
    const view = {
      job,
      arch,
      mappings: prepared.mappings,
      modulePages: prepared.modulePages,
      registers,
      linker: this.#linker,
      linkerPages: isCrash ? prepared.linkerPages : [],
      overhead:
        FIXED_BYTES + Math.min(prepared.mapsText.length, mapsBytes(job.limits)) + moduleTable(prepared, job.limits),
      allMemory: () => this.#allMemory(prepared.tid),
    };
    this.#memory = copyMemory(view, memory, tids[0]!, losses);
    watch.lap('memory');
  }

  #fork(): void {
    const { addon, watch } = this.#tools;
    const copy = forkCopy(addon, this.registers.arch!, this.#frozen, this.prepared.mappings);
    if (typeof copy !== 'string') this.#forkedCopy = copy;
    else this.losses.add('forked copy', `the process stands still for the copy of all memory: ${copy}`);
    watch.lap('fork');
  }

  /** Memory that is touched for the first time costs more than what is copied into it. */
  #reserve(threads: number): void {
    this.#tools.memory.reserve(threads);
    reserveRegisters(threads, this.job.kind !== 'backtrace');
  }

  /** The threads of the process, ascending. Throws CaptureError when it is gone. */
  #prepareLive(): number[] {
    const { job, losses } = this;
    const { addon, memory, watch } = this.#tools;
    const tids = readTaskIds(job.pid);
    if (tids.length === 0) throw new CaptureError(`process ${job.pid} is gone`);
    const prepared = new Prepared(addon, job, losses);
    this.#prepared = prepared;
    prepared.readMaps();
    // A main thread that has ended has no memory any more, its siblings do.
    for (let i = 0; prepared.mapsText.length === 0 && i < tids.length; i++) {
      prepared.tid = tids[i]!;
      prepared.readMaps();
    }
    prepared.readFacts(tids);
    memory.reset();
    this.#reserve(tids.length);
    memory.forbid(prepared.served, losses);
    // Whoever loads a library just now has one more in the list, or not yet: nobody needs to stand still for that.
    this.#linker = memory.read(prepared.tid, prepared.linkerPages);
    watch.lap('prepare');
    return tids;
  }

  #readIdentity(): void {
    const { job } = this;
    const file = readProcFile(`/proc/${job.pid}/task/${job.tid}/status`, STATUS_BYTES);
    if (!file.ok) throw new CaptureError(`thread ${job.tid} is no thread of process ${job.pid}`);
    this.#identity = file.bytes;
  }

  /** Throws CaptureError where the asking user may not trace these threads. */
  #checkAccess(tids: readonly number[]): void {
    const { asker, pid } = this.job;
    if (asker === undefined) return;
    const problem = accessProblem(this.#tools.addon, asker, pid, tids);
    if (problem !== null) throw new CaptureError(problem);
  }
}

/** Bytes of the module list: there are fewer modules than ranges that are copied of them. */
function moduleTable({ modulePages, commandLine }: Prepared, limits: CaptureLimits): number {
  return Math.min(modulePages.length * BYTES_PER_MODULE, moduleBytes(limits)) + commandLine.length;
}

function requestedFirst(tids: readonly number[], first: number): number[] {
  return [first, ...tids.filter((tid) => tid !== first)];
}
