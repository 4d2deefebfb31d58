/** A child process that takes jobs over a channel: how tracers and engravers are started, spoken to and ended. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants as osConstants, setPriority } from 'node:os';
import { loadAddon, type Poller } from '../../platform/addon.js';
import { readKernelLog, tellsMemoryKill } from '../../platform/kernel-log.js';
import { inSources } from '../../platform/source-stack.js';
import { MAX_FDS, NO_WARM_UP } from '../../wire/job.js';
import { mayRenice } from '../scheduling/niceness.js';
import { Channel, createChannelPair } from './channel.js';
import { StderrTail } from './stderr-tail.js';

/** Where a child finds its end of the channel. */
export const WORKER_CHANNEL_FD = 3;

/**
 * Workers are warmed up once and may then wait for days: V8 would drop what it has compiled after some collections
 * without a use, and the next crash would pay for it again.
 */
const KEEP_CODE = ['--no-flush-bytecode'];
/**
 * Workers are resident, and their jobs are short: without these the young generation of each grows to 32 MiB, and glibc
 * keeps an arena for every thread of V8 (mallopt(3)), memory that never serves again. With one megabyte a report takes
 * half as long again: what it is made of does not fit. Threads that help to collect so little cost more wake-ups than
 * they save.
 */
const TRACER_HEAP = ['--max-semi-space-size=1', '--single-threaded-gc'];
const ENGRAVER_HEAP = ['--max-semi-space-size=2', '--single-threaded-gc'];
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' };
/**
 * The engraver gives the buffers of large dumps back; a tracer keeps them, since a target stands still while they are
 * touched anew.
 */
const RETURNED_BUFFERS = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

export interface WorkerHandlers {
  /** `bytes` is a view that the next message overwrites; the descriptors belong to the handler. */
  message(bytes: Uint8Array, fds: number[], incomplete: boolean): void;
  /** Once, when the process has ended or its channel has; it is killed then. */
  ended(reason: string): void;
  /**
   * Once, after `ended`: the process is gone. One that is killed while the kernel waits in its name for a device may
   * take for ever.
   */
  exited?(): void;
}

export interface Worker {
  readonly pid: number;
  /** False: it has ended. The descriptors stay the caller's. */
  send(bytes: Uint8Array, fds?: readonly number[]): boolean;
  /** Its nice value from now on (setpriority(2)); stays as it is where this process may not change it both ways. */
  renice(niceness: number): void;
  /** SIGKILL. `ended` is called before this returns. */
  kill(reason: string): void;
}

/** Starts a worker. Throws when the process cannot be started. */
export type StartWorker = (handlers: WorkerHandlers) => Worker;

/** What a child needs of the environment; NODE_OPTIONS and the like are not for it. */
export function workerEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'TZ', 'LANG', 'LC_ALL', 'DEBUGGERD_ADDON']) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

export interface PrivilegedOptions {
  /** Of a message with more descriptors the first ones are taken: the rest never becomes the daemon's. */
  readonly maxFds?: number;
  /** False: it is ready without having rehearsed. */
  readonly warmUp?: boolean | undefined;
}

/** How Node is started for a tracer. */
export const TRACER_ARGUMENTS: readonly string[] = [...KEEP_CODE, ...TRACER_HEAP];

/** A worker with the daemon's own rights, that runs the script at `path`. */
export function startPrivileged(
  path: string,
  handlers: WorkerHandlers,
  { maxFds = MAX_FDS, warmUp = true }: PrivilegedOptions = {},
): Worker {
  const addon = loadAddon();
  const pair = createChannelPair();
  // Not the daemon's own: where nobody reads that, a tracer that has something to say would wait for ever.
  const stderr = new StderrTail();
  try {
    const child = spawn(process.execPath, [...TRACER_ARGUMENTS, path, ...(warmUp ? [] : [NO_WARM_UP])], {
      stdio: ['ignore', 'ignore', stderr.childFd, pair.child],
      env: { ...workerEnvironment(), ...ONE_ARENA },
    });
    // A failed spawn is reported by an event, and by a pid that is missing.
    child.on('error', () => {});
    const { pid } = child;
    if (pid === undefined) throw new Error(`cannot start ${process.execPath}`);
    const worker = new ChannelWorker(pid, pair.own, handlers, () => child.kill('SIGKILL'), maxFds);
    child.on('exit', (code, signal) => {
      worker.exited(code, signal, inSources(stderr.finish()));
    });
    return worker;
  } catch (error) {
    addon.closeFd(pair.own);
    stderr.finish();
    throw error;
  } finally {
    addon.closeFd(pair.child);
    addon.closeFd(stderr.childFd);
  }
}

export interface ConfinedOptions {
  /** User and group to become; null: stay who the daemon is. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Size of the largest file that it may write, bytes. */
  readonly fileBytes: number;
  /**
   * Memory of its own that it may have, bytes: RLIMIT_DATA, since V8 reserves addresses without end and does not use
   * them.
   */
  readonly memoryBytes: number;
  /** Told what of the confinement could not be had. */
  readonly report: (unapplied: readonly string[]) => void;
  /** False: it is ready without having rehearsed. */
  readonly warmUp?: boolean | undefined;
}

/** A worker without rights, that runs the script at `path`. What of the confinement could not be had is reported. */
export function startConfined(path: string, options: ConfinedOptions, handlers: WorkerHandlers): Worker {
  const addon = loadAddon();
  const pair = createChannelPair();
  const stderr = new StderrTail();
  try {
    const child = addon.spawnConfined({
      path: process.execPath,
      args: [process.execPath, ...KEEP_CODE, ...ENGRAVER_HEAP, path, ...(options.warmUp === false ? [NO_WARM_UP] : [])],
      env: { ...workerEnvironment(), ...ONE_ARENA, ...RETURNED_BUFFERS },
      cwd: '/',
      fds: [null, null, stderr.childFd, pair.child],
      ...(options.user ?? {}),
      rlimits: { fsize: options.fileBytes, data: options.memoryBytes },
      parentDeathSignal: osConstants.signals.SIGKILL,
      // A daemon that is root can have all of these, and hands over what its users may not see: better no engraver than
      // one without.
      required: options.user === null ? [] : ['user', 'capabilities', 'noNewPrivs', 'network', 'seccomp'],
    });
    sacrifice(child.pid);
    options.report(child.unapplied.map(({ step, code }) => `${step} (${code})`));
    const end = (): void => {
      try {
        if (child.pidfd === null) process.kill(child.pid, 'SIGKILL');
        else addon.pidfdSendSignal(child.pidfd, osConstants.signals.SIGKILL);
      } catch {
        // It has ended by itself.
      }
    };
    const worker = new ChannelWorker(child.pid, pair.own, handlers, end);
    watchExit(child.pid, child.pidfd, (code, signal) => worker.exited(code, signal, inSources(stderr.finish())));
    return worker;
  } catch (error) {
    addon.closeFd(pair.own);
    stderr.finish();
    throw error;
  } finally {
    addon.closeFd(pair.child);
    addon.closeFd(stderr.childFd);
  }
}

/** proc(5), oom_score_adj: from 0 to 1000 a process is more likely to be the one. */
const EXPENDABLE = 500;

/**
 * Where memory runs out this process goes before others: the daemon starts another one. A service manager protects the
 * daemon as a rule.
 */
function sacrifice(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(EXPENDABLE));
  } catch {
    // It is as likely as the daemon then.
  }
}

/** How often a child without a pidfd (before Linux 5.3) is looked at, ms. */
const REAP_INTERVAL_MS = 200;

/** Takes the exit status of a child that the addon started, when there is one. Owns the pidfd. */
function watchExit(
  pid: number,
  pidfd: number | null,
  exited: (code: number | null, signal: NodeJS.Signals | null) => void,
): void {
  const addon = loadAddon();
  let poller: Poller | null = null;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const status = addon.reap(pid);
    if (status === null) return;
    clearInterval(timer);
    poller?.close();
    if (pidfd !== null) addon.closeFd(pidfd);
    exited(status.exitCode, status.signal === null ? null : signalName(status.signal));
  };
  if (pidfd === null) timer = setInterval(look, REAP_INTERVAL_MS);
  else poller = addon.poll(pidfd, addon.constants.READABLE, look);
}

function signalName(number: number): NodeJS.Signals {
  const name = Object.entries(osConstants.signals).find(([, value]) => value === number)?.[0];
  return (name ?? `signal ${number}`) as NodeJS.Signals;
}

/**
 * How long is waited for the exit status of a process that has closed its channel, or was killed for what came over it,
 * ms.
 */
const STATUS_MS = 1000;

class ChannelWorker implements Worker {
  readonly pid: number;
  readonly #channel: Channel;
  readonly #handlers: WorkerHandlers;
  readonly #endProcess: () => void;
  readonly #startedUs = Number(process.hrtime.bigint() / 1000n);
  #niceness = 0;
  #alive = true;
  /** Why the channel ended. The process tells more as a rule, a moment later. */
  #closed: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number, fd: number, handlers: WorkerHandlers, endProcess: () => void, maxFds = MAX_FDS) {
    this.pid = pid;
    this.#handlers = handlers;
    this.#endProcess = endProcess;
    const events = {
      message: (bytes: Uint8Array, fds: number[], incomplete: boolean) => handlers.message(bytes, fds, incomplete),
      closed: (reason: string) => this.#channelClosed(reason),
    };
    this.#channel = new Channel(fd, events, maxFds);
  }

  send(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    return this.#alive && this.#channel.send(bytes, fds) && this.#alive;
  }

  renice(niceness: number): void {
    if (!this.#alive || niceness === this.#niceness || !mayRenice()) return;
    try {
      // The thread that does the work has the process's id.
      setPriority(this.pid, niceness);
      this.#niceness = niceness;
    } catch {
      // It is ending.
    }
  }

  kill(reason: string): void {
    if (!this.#alive) return;
    this.#endProcess();
    this.#ended(reason);
  }

  /** The process is gone; `words`: the end of what it wrote to standard error. */
  exited(code: number | null, signal: NodeJS.Signals | null, words: string): void {
    if (this.#alive) {
      const how = this.#how(code, signal);
      this.#ended(words === '' ? how : `${how}: ${words}`);
    }
    this.#handlers.exited?.();
  }

  #how(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal === null) return `it exited with status ${code}`;
    if (signal !== 'SIGKILL') return `it died by ${signal}`;
    if (tellsMemoryKill(readKernelLog(), this.pid, this.#startedUs)) return 'the kernel killed it for want of memory';
    return this.#closed ?? `it died by ${signal}`;
  }

  #channelClosed(reason: string): void {
    if (!this.#alive) return;
    this.#closed = reason;
    this.#endProcess();
    this.#timer = setTimeout(() => this.#ended(reason), STATUS_MS);
  }

  #ended(reason: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    clearTimeout(this.#timer);
    this.#channel.close();
    this.#handlers.ended(reason);
  }
}
