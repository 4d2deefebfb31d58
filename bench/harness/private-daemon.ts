/** A daemon for one run: its own socket, directory and configuration. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashHandler } from './launcher.js';
import { cleanEnvironment, preferGroup } from './measure.js';

export const program = join(process.cwd(), 'dist/bin/debuggerd');
const clientLibrary = join(process.cwd(), 'dist/lib/libdebuggerd_client.so');

/** Memory of a process, bytes: its share of all that it maps, and what is its alone. */
export interface MemoryUse {
  readonly name: string;
  readonly pss: number;
  /** Anonymous memory: heaps, stacks, code made at run time. */
  readonly anonymous: number;
  /** Resident pages of files: the program and its libraries, which processes of the same program share. */
  readonly file: number;
  /** Resident at most, since the start. */
  readonly peak: number;
}

export class PrivateDaemon {
  readonly socket: string;
  /** Tombstones appear here. */
  readonly tombstones: string;
  readonly #dir: string;
  readonly #child: ChildProcess;
  #log = '';

  private constructor(dir: string, settings: Readonly<Record<string, string | number | boolean>>) {
    this.#dir = dir;
    this.socket = `debuggerd-bench-${process.pid}`;
    this.tombstones = join(dir, 'tombstones');
    mkdirSync(dir);
    const config = join(dir, 'debuggerd.toml');
    const lines = Object.entries({
      socket: this.socket,
      tombstone_dir: this.tombstones,
      max_tombstones: 100,
      activity_manager: 'none',
      ...settings,
    }).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    writeFileSync(config, `${lines.join('')}[log]\ntargets = ["console"]\n`);
    this.#child = spawn(program, ['--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: cleanEnvironment(),
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  /** `dir` must not exist. Returns when the daemon listens and its other processes have warmed up. */
  static async start(
    dir: string,
    settings: Readonly<Record<string, string | number | boolean>> = {},
  ): Promise<PrivateDaemon> {
    const daemon = new PrivateDaemon(dir, settings);
    await daemon.#until(() => daemon.#log.includes('listening on'));
    await daemon.#until(() => daemon.#workers().length >= 3);
    // Warm: none of them has used the processor for a while.
    for (let quiet = 0, last = -1; quiet < 3; ) {
      await sleep(200);
      const ticks = daemon.pids.reduce((sum, pid) => sum + ticksOf(pid), 0);
      quiet = ticks - last <= 1 ? quiet + 1 : 0;
      last = ticks;
    }
    for (const pid of daemon.pids) preferGroup(pid);
    return daemon;
  }

  /** For programs that crash. */
  get handler(): CrashHandler {
    return { library: clientLibrary, env: { DEBUGGERD_SOCKET: this.socket }, tombstones: this.tombstones };
  }

  get log(): string {
    return this.#log;
  }

  /** The daemon first. */
  get pids(): number[] {
    return [this.#child.pid!, ...this.#workers()];
  }

  memory(): MemoryUse[] {
    return this.pids.flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        const kilobytes = (text: string, field: string) =>
          1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
        const name = pid === this.#child.pid ? 'daemon' : commandOf(pid).replace(/^debuggerd: /, '');
        return [
          {
            name,
            pss: kilobytes(rollup, 'Pss'),
            anonymous: kilobytes(status, 'RssAnon'),
            file: kilobytes(status, 'RssFile'),
            peak: kilobytes(status, 'VmHWM'),
          },
        ];
      } catch {
        return [];
      }
    });
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #workers(): number[] {
    const pid = this.#child.pid!;
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
      return text === '' ? [] : text.split(' ').map(Number);
    });
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#child.exitCode !== null) throw new Error(`the daemon ended:\n${this.#log}`);
      await sleep(20);
    }
  }
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0]!.trim();
}

/** Processor time that a process has used, in clock ticks (proc_pid_stat(5), fields 14 and 15). */
function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}
