/** How measurements are taken: all sides in turns in one run, the first rounds not counted. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface Rounds {
  /** Counted. */
  readonly rounds: number;
  /** Not counted, before them. Default 1. */
  readonly warmUp?: number;
}

/**
 * Calls each side once a round, in turns. What a side returns is its sample; null: none this time (a slow peer may sit
 * out rounds).
 */
export async function alternate(
  sides: Readonly<Record<string, (round: number) => number | null | Promise<number | null>>>,
  { rounds, warmUp = 1 }: Rounds,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const [side, act] of Object.entries(sides)) {
      const sample = await act(round);
      if (round >= 0 && sample !== null) samples[side]!.push(sample);
    }
  }
  return samples;
}

/**
 * The time from the start of a program to its end, milliseconds. Its output goes to `out`. Throws when it cannot be run
 * or fails.
 */
export function wall(command: readonly string[], out: string): number {
  const [program = '', ...args] = command;
  const fd = openSync(out, 'w');
  const started = performance.now();
  const { status, signal, error } = spawnSync(program, args, {
    stdio: ['ignore', fd, 'ignore'],
    env: cleanEnvironment(),
  });
  const ended = performance.now();
  closeSync(fd);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${signal ?? status}`);
  return ended - started;
}

/** Lines of a file that match: proof that what was timed has done its work. */
export function countLines(file: string, pattern: RegExp): number {
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => pattern.test(line)).length;
}

/**
 * Without what makes programs slower for reasons of their own: certificates that Node reads, servers that elfutils
 * asks.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _certificates, DEBUGINFOD_URLS: _servers, NODE_OPTIONS: _options, ...env } = process.env;
  return env;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'eu-stack': 'elfutils',
  gdb: 'gdb',
  gcore: 'gdb',
  strace: 'strace',
};

/** Whether a peer is there; says how to get it when it is not. */
export function hasPeer(name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
  if (!found) console.log(`${name} is missing and left out; to compare with it: apt install ${PACKAGES[name] ?? name}`);
  return found;
}

/**
 * Where this run goes before others ($BENCH_PRIORITY, see scripts/bench.mjs), lets a process that has a session of its
 * own do so too: as on a machine that does nothing else. sched(7), autogroups.
 */
export function preferGroup(pid: number): void {
  if (!process.env.BENCH_PRIORITY) return;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, '-20');
  } catch {
    // Not root, or a kernel without autogroups: measured as it is.
  }
}
