/** `debuggerd` without a thread id: the daemon, until it is told to stop. */
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { shownLine } from '../bytes/shown-text.js';
import { prepareCollection } from '../platform/memory-use.js';
import { partPath } from '../platform/parts.js';
import { createNotifier, type Notifier } from '../platform/sd-notify.js';
import { stackLine } from '../platform/source-stack.js';
import { ConfigError, type DaemonConfig, loadConfig } from './config/config.js';
import { Daemon } from './daemon.js';
import { type OpenLog, openLog } from './log.js';
import { LogFileError } from './logging/log-file.js';
import { TombstoneError } from './publishing/tombstones.js';
import { DescriptorError } from './scheduling/descriptor-plan.js';
import { ListenError } from './server/listener.js';

/** What the command line overrides. */
export interface RunDaemonOptions {
  /** Configuration file; default /etc/debuggerd.toml where it exists. */
  readonly config?: string;
  /** Abstract name, or a path beginning with `/`. */
  readonly socket?: string;
  readonly tombstoneDir?: string;
}

/** Runs the daemon. Ends the process: 0 after SIGTERM or SIGINT, 1 when it cannot start (one line says why). */
export async function runDaemon(options: RunDaemonOptions): Promise<never> {
  // Resident, and with little to keep: V8's young generation stays at its first megabyte, and what was compiled stays
  // at hand.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-flush-bytecode');
  let ownLog: OpenLog | null = null;
  process.on('uncaughtException', (error) => endByDefect(error, ownLog));
  const config = configure(options);
  const log = await openConfiguredLog(config);
  ownLog = log;
  // The terminal's end is not the daemon's; whoever rotates the log file sends it, too, and may do so while the daemon
  // waits for its socket.
  process.on('SIGHUP', () => log.reopen());
  let daemon: Daemon;
  try {
    const parts = { tracer: partPath('tracer.cjs'), engraver: partPath('engraver.cjs') };
    daemon = await Daemon.start({ config, parts, log });
  } catch (error) {
    const expected = [ListenError, TombstoneError, DescriptorError].some((kind) => error instanceof kind);
    if (!expected) throw error;
    return fail(error);
  }
  const stop = stopSignal();
  // A crash that comes before the first tracer is ready waits for it: whoever waits for these lines shall not have to.
  await Promise.race([daemon.settled(), stop]);
  log.info(`listening on ${daemon.socketNames.join(' and ')}, tombstones go to ${daemon.tombstoneDir}`);
  if (process.getuid?.() !== 0)
    log.info('not root: only crashes and backtraces of processes of this user can be captured');
  prepareCollection();
  const notifier = createNotifier();
  notifier.notify('READY=1');
  const beat = startWatchdog(notifier);
  await daemon.rehearse();
  const signal = await stop;
  notifier.notify('STOPPING=1');
  clearInterval(beat);
  log.info(`${signal}: stopping`);
  await daemon.close();
  log.close();
  process.exit(0);
}

async function openConfiguredLog({ log }: DaemonConfig): Promise<OpenLog> {
  try {
    return await openLog({ ...log, file: log.file === 'none' ? null : log.file });
  } catch (error) {
    if (error instanceof LogFileError) return fail(error);
    throw error;
  }
}

function configure({ config: file, socket, tombstoneDir }: RunDaemonOptions): DaemonConfig {
  try {
    const config = loadConfig(file);
    return {
      ...config,
      ...(socket === undefined ? {} : { socket }),
      ...(tombstoneDir === undefined ? {} : { tombstone_dir: resolve(tombstoneDir) }),
    };
  } catch (error) {
    if (error instanceof ConfigError) return fail(error);
    throw error;
  }
}

function fail(error: unknown): never {
  process.stderr.write(`debuggerd: ${shownLine(error instanceof Error ? error.message : String(error))}\n`);
  process.exit(1);
}

/** What nobody caught: its trace goes where the log goes, and the workers end with this process. */
function endByDefect(error: unknown, log: OpenLog | null): never {
  const trace = `internal error: ${stackLine(error)}`;
  if (log === null) return fail(trace);
  log.error(trace);
  log.close();
  process.exit(1);
}

function startWatchdog(notifier: Notifier): NodeJS.Timeout | undefined {
  // From the event loop itself: a loop that is stuck does not beat.
  return notifier.watchdogMs === null
    ? undefined
    : setInterval(() => notifier.notify('WATCHDOG=1'), notifier.watchdogMs);
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}
