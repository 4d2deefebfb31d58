/** A program of the corpus that runs: its directory, all its processes, and how they are held still together. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RealProgram } from './programs.js';

const NOBODY = 65534;

export class RunningProgram {
  readonly dir: string;
  readonly #child;
  readonly #ended: Promise<unknown>;
  #output = '';

  private constructor(program: RealProgram) {
    this.dir = programDirectory(program);
    const user = program.asNobody && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    this.#child = spawn('/bin/sh', ['-c', program.script], {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...user,
    });
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (this.#output.length < 1 << 16) this.#output += text;
      });
    }
  }

  /** When it does its work. */
  static async start(program: RealProgram): Promise<RunningProgram> {
    const running = new RunningProgram(program);
    try {
      await running.#ready();
      return running;
    } catch (error) {
      await running.kill();
      throw error;
    }
  }

  async #ready(): Promise<void> {
    while (!/^ready$/m.test(this.#output)) {
      if (this.#child.exitCode !== null) throw new Error(`it ended before it was ready:\n${this.#output}`);
      await sleep(20);
    }
  }

  /** Itself and its descendants that run a program, parents first. */
  processes(): number[] {
    const all = [this.#child.pid!];
    for (const pid of all) all.push(...childrenOf(pid));
    return all;
  }

  /**
   * Stops all threads of all its processes by SIGSTOP, and awaits that they stand. @returns the processes, the ended
   * ones left out
   */
  async hold(): Promise<number[]> {
    // One that was started meanwhile is seen by a later look.
    const held = new Set<number>();
    for (let found = true; found; ) {
      const fresh = this.processes().filter((pid) => !held.has(pid));
      for (const pid of fresh) {
        signal(pid, 'SIGSTOP');
        held.add(pid);
        while (!isHeld(pid)) await sleep(5);
      }
      found = fresh.length > 0;
    }
    return [...held].filter((pid) => stateOf(pid) !== null && stateOf(pid) !== 'Z');
  }

  release(pids: readonly number[]): void {
    for (const pid of pids) signal(pid, 'SIGCONT');
  }

  async kill(): Promise<void> {
    for (let left = this.processes(); left.length > 1; ) {
      for (const pid of left.slice(1)) signal(pid, 'SIGSTOP');
      const again = this.processes();
      const same = again.length === left.length;
      left = again;
      if (same) break;
    }
    for (const pid of this.processes()) signal(pid, 'SIGKILL');
    await this.#ended;
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A new directory with the program's files, in which its user may write. */
export function programDirectory({ files = {}, asNobody }: RealProgram): string {
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-real-'));
  chmodSync(dir, 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  if (asNobody && process.getuid?.() === 0) chownSync(dir, NOBODY, NOBODY);
  return dir;
}

/** Whether a script of preparation, a compiler usually, ends well; throws with its output otherwise. */
export function prepare(script: string, dir: string): void {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { cwd: dir, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script}:\n${stdout}${stderr}`);
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const texts = tasks.map((tid) => readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1'));
    return texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
  } catch {
    return []; // It has ended.
  }
}

/** The state letter of a process or thread (proc_pid_stat(5)); null when it has ended. */
function stateOf(pid: number, tid = pid): string | null {
  try {
    return /\) (\S) /.exec(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1'))?.[1] ?? null;
  } catch {
    return null;
  }
}

function isHeld(pid: number): boolean {
  try {
    const states = readdirSync(`/proc/${pid}/task`).map((tid) => stateOf(pid, Number(tid)));
    return states.every((state) => state === null || 'TtZX'.includes(state));
  } catch {
    return true;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
