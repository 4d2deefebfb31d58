/** The daemon put together: socket, server, tracers, engraver, tombstone directory; started whole or not at all. */

import { logText } from '../bytes/shown-text.js';
import { countDescriptors, readDescriptorLimit } from '../platform/descriptor-limit.js';
import { collectGarbage, hasGarbage, QUIET_MS } from '../platform/memory-use.js';
import { ownSystemInfo } from '../platform/system-info.js';
import type { DaemonConfig } from './config/config.js';
import { readMachineTraits, resolveSettings } from './config/settings.js';
import type { Log } from './log.js';
import { closedTo } from './policy/path-access.js';
import { readKernelPolicy } from './policy/process-info.js';
import { RefusalLog } from './policy/refusal-log.js';
import { TombstoneDirectory } from './publishing/tombstones.js';
import { CopyBudget, copyBytes } from './scheduling/copy-budget.js';
import { type DescriptorPlan, planDescriptors } from './scheduling/descriptor-plan.js';
import { awaitRequestSockets, type RequestSocket } from './server/listener.js';
import { type FlowClient, type FlowContext, handleRequest } from './server/request-flow.js';
import { RequestServer, type ServerOptions } from './server/server.js';
import { rehearse } from './warm-up/rehearsal.js';
import { EngraverHost } from './workers/engraver-host.js';
import { TracerPool } from './workers/pool.js';
import { type StartWorker, startConfined, startPrivileged } from './workers/worker.js';

/** How long a client may take to read its answer, ms. */
const REPLY_MS = 30_000;
/** What a tombstone, being text, may be larger than the minidump. */
const ENGRAVED_EXTRA_BYTES = 64 * 1024 * 1024;
/** What the engraver may have besides two copies of a dump: twenty times what it has for usual reports. */
const ENGRAVER_BYTES = 768 * 1024 * 1024;
/** How long the processes started ahead may take before the daemon says that it listens, ms: systemd waits for 90 s. */
const START_MS = 60_000;
/** How long a shutdown waits for the requests under way, ms. */
const SHUTDOWN_MS = 2000;

/** The other processes' programs; tests give their own. */
export interface DaemonParts {
  readonly tracer: string;
  readonly engraver: string;
}

export interface DaemonOptions {
  readonly config: DaemonConfig;
  readonly parts: DaemonParts;
  readonly log: Log;
  readonly env?: NodeJS.ProcessEnv;
  readonly server?: ServerOptions;
  readonly shutdownMs?: number;
}

export class Daemon {
  readonly socketNames: readonly string[];
  readonly tombstoneDir: string;
  readonly #options: DaemonOptions;
  readonly #sockets: readonly RequestSocket[];
  readonly #tombstones: TombstoneDirectory;
  readonly #pool: TracerPool;
  /** Tracers that are started before they are needed. */
  readonly #ahead: number;
  readonly #engraver: EngraverHost;
  readonly #context: FlowContext;
  readonly #server: RequestServer;
  readonly #refusals: RefusalLog;
  readonly #answered: RefusalLog;
  #quiet: NodeJS.Timeout | undefined;
  #settled: () => void = () => {};
  readonly #started = new Promise<void>((resolve) => {
    this.#settled = resolve;
  });
  #closing: Promise<void> | null = null;

  private constructor(
    options: DaemonOptions,
    sockets: readonly RequestSocket[],
    tombstones: TombstoneDirectory,
    plan: DescriptorPlan,
  ) {
    const { config, parts, log } = options;
    const settings = resolveSettings(config, readMachineTraits());
    const deadlineMs = config.deadline * 1000;
    this.#options = options;
    this.#ahead = plan.tracers.min;
    this.#sockets = sockets;
    this.socketNames = sockets.map((socket) => socket.name);
    this.tombstoneDir = settings.tombstoneDir;
    this.#tombstones = tombstones;
    this.#refusals = new RefusalLog(log);
    this.#answered = new RefusalLog(log, 'were answered');
    const trouble = (message: string): void => log.warn(logText(message, 1024));
    const becameReady = (): void => {
      if (this.warm) this.#settled();
    };
    const workerTrouble = (message: string): void => {
      trouble(message);
      this.#settled();
    };
    const copies = new CopyBudget({ bytes: copyBytes(config.dump_bytes), files: plan.files });
    copies.freed = () => this.#pool.wake();
    this.#pool = new TracerPool({
      start: (handlers) =>
        startPrivileged(parts.tracer, handlers, { maxFds: plan.filesPerCopy, warmUp: config.warm_up }),
      ...plan.tracers,
      deadlineMs,
      maxFiles: plan.filesPerCopy,
      mayStart: (uid) => copies.mayCopy(uid),
      trouble: workerTrouble,
      becameReady,
    });
    const closed = settings.engraverUser === null ? null : closedTo(parts.engraver);
    if (closed !== null) {
      trouble(
        `${closed} is closed to other users: the engraver keeps the daemon's user, ` +
          'and is confined by its seccomp filter alone',
      );
    }
    const start: StartWorker = (handlers) =>
      startConfined(
        parts.engraver,
        {
          user: closed === null ? settings.engraverUser : null,
          fileBytes: config.dump_bytes + ENGRAVED_EXTRA_BYTES,
          memoryBytes: 2 * config.dump_bytes + ENGRAVER_BYTES,
          report: this.#reportConfinement,
          warmUp: config.warm_up,
        },
        handlers,
      );
    this.#engraver = new EngraverHost({ start, deadlineMs, trouble: workerTrouble, becameReady });
    this.#context = {
      policy: {
        ...readKernelPolicy(),
        daemonUid: process.geteuid?.() ?? 0,
        systemUid: settings.systemUid,
        allowOwnBacktraces: config.allow_own_backtraces,
      },
      pool: this.#pool,
      engraver: this.#engraver,
      copies,
      tombstones,
      limits: { stackBytes: config.stack_bytes, dumpBytes: config.dump_bytes },
      host: ownSystemInfo({ fingerprint: config.fingerprint, revision: config.revision }),
      logFiles: config.log_files,
      environ: config.environ,
      sanitizeStacks: config.sanitize_stacks,
      activityManager: settings.activityManager,
      captureMs: Math.floor(deadlineMs * 0.9),
      replyMs: REPLY_MS,
      log,
      answered: this.#answered,
      refused: this.#refused,
    };
    this.#server = new RequestServer(
      sockets.map((socket) => socket.fd),
      {
        request: (client, request) => handleRequest(this.#context, client, request).finally(this.#tidyLater),
        refused: this.#refused,
      },
      { limits: plan.admission, ...options.server },
    );
  }

  /**
   * Takes the socket, opens the directory and starts the other processes.
   * @throws ListenError, TombstoneError, DescriptorError
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { config } = options;
    // First of all: a second daemon must not touch the directory of the one that runs.
    const { sockets: names, tombstoneDir, tombstoneOwner } = resolveSettings(config, readMachineTraits());
    const sockets = await awaitRequestSockets(
      names,
      options.env,
      (reason) => options.log.error(`serving without a second socket: ${logText(reason, 1024)}`),
      (reason) => options.log.error(`waiting for the socket: ${logText(reason, 1024)}`),
    );
    let tombstones: TombstoneDirectory | undefined;
    try {
      tombstones = await TombstoneDirectory.open({
        dir: tombstoneDir,
        max: config.max_tombstones,
        owner: tombstoneOwner,
      });
      const plan = planDescriptors(readDescriptorLimit(), countDescriptors(), config.tracers);
      return new Daemon(options, sockets, tombstones, plan);
    } catch (error) {
      for (const socket of sockets) socket.close();
      await tombstones?.close();
      throw error;
    }
  }

  /** Pids of the processes that it runs. */
  get pids(): number[] {
    const { pid } = this.#engraver;
    return [...this.#pool.pids, ...(pid === null ? [] : [pid])];
  }

  /** Whether every process that it starts ahead has said that it is ready. */
  get warm(): boolean {
    return this.#engraver.ready && this.#pool.idle >= this.#ahead;
  }

  /**
   * Resolves when every process that it starts ahead is ready, or one of them ended instead: requests are served at
   * once then, or the log says why not. At most after START_MS.
   */
  async settled(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, START_MS);
    });
    await Promise.race([this.#started, late]);
    clearTimeout(timer);
  }

  /** Finishes what is under way within a bound, ends the other processes, removes the socket. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Once, after the start: see rehearsal.ts. */
  async rehearse(): Promise<void> {
    if (this.#options.config.warm_up) await rehearse(this.#context);
  }

  async #close(): Promise<void> {
    this.#server.stop();
    for (const socket of this.#sockets) socket.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.shutdownMs ?? SHUTDOWN_MS);
    });
    await Promise.race([this.#server.drained(), late]);
    clearTimeout(timer);
    this.#server.dropAll();
    this.#pool.close();
    this.#engraver.close();
    await this.#server.drained();
    await this.#tombstones.close();
    this.#refusals.flush();
    this.#answered.flush();
    clearTimeout(this.#quiet);
  }

  readonly #tidyLater = (): void => {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => hasGarbage() && collectGarbage(), QUIET_MS);
    this.#quiet.unref();
  };

  readonly #refused = (client: Pick<FlowClient, 'credentials'> | null, reason: string): void => {
    const who = client === null ? '' : ` (from pid=${client.credentials.pid} uid=${client.credentials.uid})`;
    this.#refusals.write(`refused: ${logText(reason, 1024)}${who}`, client?.credentials.uid ?? null);
  };

  readonly #reportConfinement = (unapplied: readonly string[]): void => {
    if (unapplied.length > 0) this.#options.log.warn(`the engraver runs without: ${unapplied.join(', ')}`);
  };
}
