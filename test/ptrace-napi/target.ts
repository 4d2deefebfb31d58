import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { addonCandidates } from '../../src/platform/addon.js';
import { loadTracingAddon } from '../../src/platform/ptrace.js';

const addon = loadTracingAddon();

/** The addon's binary, for scripts that load it in a process of their own. */
export const addonFile = addonCandidates(join(import.meta.dirname, '..', '..', 'src', 'platform')).find((path) =>
  existsSync(path),
)!;

export const SIGUSR1 = 10;
export const SIGUSR2 = 12;
export const SIGKILL = 9;
export const SIGTRAP = 5;
export const SIGSTOP = 19;
export const SIGCONT = 18;

/**
 * A running target, started by the addon: a child of child_process must not be traced by the process that started it.
 */
export interface Target {
  pid: number;
  /** Of the 4096 pattern bytes, between two unreadable pages. */
  address: number;
  tids(): number[];
  /** The next line of its output. */
  line(): string;
  stop(): void;
}

/** A directory that is removed after the tests of the calling file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ptrace-napi-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

let program: string | undefined;

/**
 * Compiles target.c, once per test file. Call it outside of tests. A machine without a compiler names one that was
 * built for it.
 */
export function compileTarget(): void {
  program = process.env.PTRACE_NAPI_TARGET;
  if (program !== undefined) return;
  program = join(temporaryDirectory(), 'target');
  execFileSync('cc', ['-O1', '-pthread', '-o', program, join(import.meta.dirname, 'target.c')]);
}

/** Blocks until the child has ended, and takes its status. */
export function waitForExit(pid: number): { exitCode: number | null; signal: number | null } {
  const status = addon.wait(pid, 10_000);
  if (!status || status.kind === 'stopped') throw new Error(`${pid} does not end: ${JSON.stringify(status)}`);
  return status.kind === 'exited'
    ? { exitCode: status.exitCode, signal: null }
    : { exitCode: null, signal: status.signal };
}

/** Starts a plain, unconfined program whose stdout is the returned pipe end. */
export function startPlain(path: string, args: string[]): { pid: number; output: number } {
  const [output, input] = addon.pipe();
  const child = addon.spawnConfined({
    path,
    args: [path, ...args],
    fds: [null, input, 2],
    newNetwork: false,
    dropCapabilities: false,
    noNewPrivs: false,
    seccomp: 'none',
    parentDeathSignal: SIGKILL,
  });
  addon.closeFd(input);
  if (child.pidfd !== null) addon.closeFd(child.pidfd);
  return { pid: child.pid, output };
}

export function readLine(fd: number): string {
  const byte = Buffer.alloc(1);
  let line = '';
  while (readSync(fd, byte) === 1 && byte[0] !== 10) line += byte.toString('latin1');
  return line;
}

export function startTarget(threads = 1): Target {
  if (!program) throw new Error('compileTarget() first');
  const { pid, output } = startPlain(program, [String(threads)]);
  const address = Number.parseInt(readLine(output), 16);
  return {
    pid,
    address,
    tids: () => readdirSync(`/proc/${pid}/task`).map(Number),
    line: () => readLine(output),
    stop() {
      addon.tgkill(pid, pid, SIGKILL);
      // Stops that were reported to this tracer may come before the end.
      for (let status = addon.wait(pid, 10_000); status?.kind === 'stopped'; status = addon.wait(pid, 10_000));
      addon.closeFd(output);
    },
  };
}

/** Runs `body` with a target that is gone afterwards. */
export function withTarget(threads: number, body: (target: Target) => void): void {
  const target = startTarget(threads);
  try {
    body(target);
  } finally {
    target.stop();
  }
}

/** Calls, and returns what was thrown. */
export function thrown(call: () => unknown): Error & { code?: string; errno?: number; syscall?: string } {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
