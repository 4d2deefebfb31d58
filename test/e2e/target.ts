/** Starts the programs of test/programs, with or without the crash handler, and tells how they ended. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, hostArchitecture } from './architecture.js';
import type { Daemon } from './daemon.js';

export interface Target {
  readonly pid: number;
  readonly process: ChildProcessWithoutNullStreams;
  /** Awaits a line of its output that matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  output(): string;
  /** How it ended, when all has come that it had to say: the signal's name, or the exit code. */
  readonly ended: Promise<NodeJS.Signals | number>;
  /** Kills it and waits. */
  kill(): Promise<void>;
}

export function start(
  path: string,
  args: readonly string[],
  options: { daemon?: Daemon; architecture?: Architecture; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Target {
  const architecture = options.architecture ?? hostArchitecture;
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  if (options.daemon) {
    env.LD_PRELOAD = architecture.clientLibrary;
    env.DEBUGGERD_SOCKET = options.daemon.socket;
  }
  const child = spawn(path.includes('/') ? path : join(architecture.programs, path), args, {
    env,
    cwd: options.cwd ?? options.daemon?.dir,
    stdio: 'pipe',
  });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = once(child, 'exit');
  exited.catch(() => {});
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as NodeJS.Signals | number);
  return {
    pid: child.pid ?? -1,
    process: child,
    output: () => output,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          listeners.delete(check);
          resolve(match);
        };
        listeners.add(check);
        child.once('close', () => reject(new Error(`the target ended without saying ${pattern}:\n${output}`)));
        check();
      }),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Awaits that a process sleeps in a system call that waits (proc_pid_stat(5), field 3). */
export async function asleep(pid: number): Promise<void> {
  while (!/\) S /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    await new Promise((resolve) => setImmediate(resolve));
}
