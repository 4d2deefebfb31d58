/**
 * For how long does a live target stand still? The longest gap that a thread of it sees that does nothing but look at the clock,
 * while all its threads (20 frames deep) are captured: ours, gdb (`thread apply all bt`) and gcore, in turn, on the same process.
 *   npm run bench -- freeze [--rounds N] [THREADS...]     default 15 (7 above 100 threads), 1 10 100 1000
 *
 * The first round of each is not counted. `idle` is the gap that nobody caused: the machine's own noise.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { loadAddon } from '../src/platform/addon.js';
import { partPath } from '../src/platform/parts.js';
import type { CaptureJob } from '../src/protocol/job.js';
import { ratio, type Summary, saveResults, spread, summary } from './harness/samples.js';

const addon = loadAddon();

/** The tracer, spoken to in turns. */
class TracerClient {
  readonly #child: ReturnType<typeof spawn>;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(128 * 1024);

  constructor() {
    const [own, other] = addon.socketPair('seqpacket');
    this.#fd = own;
    this.#child = spawn(process.execPath, [partPath('tracer.cjs')], { stdio: ['ignore', 'inherit', 'inherit', other] });
    addon.closeFd(other);
    this.#next();
  }

  /** Microseconds per step. */
  capture(pid: number): Record<string, number> {
    const job: CaptureJob = {
      type: 'capture',
      id: 1,
      kind: 'backtrace',
      pid,
      tid: pid,
      uid: process.getuid!(),
      gid: process.getgid!(),
      abortMessageAddress: 0,
      originalSiCode: 0,
      hold: false,
      limits: { stackBytes: 256 * 1024, dumpBytes: 64 * 1024 * 1024 },
      host: { fingerprint: '', revision: '', utcOffsetMinutes: 0 },
      logFiles: [],
    };
    addon.sendMessage(this.#fd, Buffer.from(JSON.stringify(job)));
    for (let micros = {}; ; ) {
      const message = this.#next();
      if (message.type === 'captured') micros = message.micros;
      if (message.type === 'capture-failed') throw new Error(message.reason);
      if (message.type === 'released') return micros;
    }
  }

  async close(): Promise<void> {
    addon.closeFd(this.#fd);
    await once(this.#child, 'exit');
  }

  #next(): ReturnType<typeof JSON.parse> {
    const got = addon.receiveMessage(this.#fd, this.#buffer, 250);
    if (got === null || got.bytes === 0) throw new Error('the tracer has ended');
    for (const fd of got.fds) addon.closeFd(fd);
    return JSON.parse(this.#buffer.toString('utf8', 0, got.bytes));
  }
}

/** The target. */
class Ticker {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(path: string, threads: number) {
    this.#child = spawn(path, [String(threads)]);
    this.pid = this.#child.pid!;
    this.#lines = createInterface(this.#child.stdout);
  }

  async ready(): Promise<void> {
    await once(this.#lines, 'line');
  }

  /** The longest gap since the last call, milliseconds. */
  async gap(): Promise<number> {
    this.#child.stdin.write('.');
    const [line] = await once(this.#lines, 'line');
    return Number(String(line).slice('gap '.length)) / 1e6;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

interface Row {
  readonly threads: number;
  readonly gaps: Record<string, Summary>;
  /** The tracer's own account, medians in microseconds. */
  readonly micros: Record<string, number>;
}

async function measure(
  program: string,
  threads: number,
  tracer: TracerClient,
  rounds: number,
  dir: string,
): Promise<Row> {
  const ticker = new Ticker(program, threads);
  await ticker.ready();
  const steps: Record<string, number[]> = {};
  const sides: Record<string, () => unknown> = {
    idle: () => new Promise((resolve) => setTimeout(resolve, 20)),
    ours: () => {
      for (const [step, micros] of Object.entries(tracer.capture(ticker.pid))) {
        steps[step] ??= [];
        steps[step].push(micros);
      }
    },
    gdb: () => run('gdb', ['-nx', '-batch', '-ex', 'thread apply all bt', '-p', String(ticker.pid)]),
    gcore: () => run('gcore', ['-o', join(dir, 'core'), String(ticker.pid)]),
  };
  const samples: Record<string, number[]> = {};
  for (let round = 0; round <= rounds; round++) {
    for (const [side, act] of Object.entries(sides)) {
      await ticker.gap();
      await act();
      const gap = await ticker.gap();
      samples[side] ??= [];
      if (round > 0) samples[side].push(gap);
    }
    rmSync(join(dir, `core.${ticker.pid}`), { force: true });
  }
  await ticker.close();
  const each = <T, U>(record: Record<string, T>, of: (value: T) => U): Record<string, U> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]));
  return { threads, gaps: each(samples, summary), micros: each(steps, (values) => summary(values.slice(1)).median) };
}

function run(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { stdio: 'ignore' });
  if (result.error) throw new Error(`${command}: ${result.error.message} (apt install gdb)`);
}

function print({ threads, gaps, micros }: Row): void {
  const { idle, ours, gdb, gcore } = gaps as Record<'idle' | 'ours' | 'gdb' | 'gcore', Summary>;
  const versus = (name: string, theirs: Summary): string => {
    const { median, low, high } = ratio(ours, theirs);
    return `${name} ${spread(theirs, 1)} ms, ours/${name} 1/${(1 / median).toFixed(0)} (1/${(1 / low).toFixed(0)}-1/${(1 / high).toFixed(0)})`;
  };
  console.log(
    `${String(threads).padStart(5)} threads: ours ${spread(ours)} ms; ${versus('gdb', gdb)}; ${versus('gcore', gcore)}; idle ${spread(idle)} ms`,
  );
  console.log(
    `               steps (us): ${Object.entries(micros)
      .map(([step, value]) => `${step} ${value.toFixed(0)}`)
      .join(', ')}`,
  );
}

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' } },
  });
  const counts = positionals.length > 0 ? positionals.map(Number) : [1, 10, 100, 1000];
  const dir = mkdtempSync(join(tmpdir(), 'debuggerd-freeze-'));
  const program = join(dir, 'ticker');
  const compiled = spawnSync('cc', ['-O2', '-pthread', '-o', program, 'bench/programs/ticker.c'], { stdio: 'inherit' });
  if (compiled.status !== 0) return 1;
  const tracer = new TracerClient();
  const rows: Row[] = [];
  try {
    for (const threads of counts) {
      const row = await measure(program, threads, tracer, Number(values.rounds ?? (threads > 100 ? 7 : 15)), dir);
      print(row);
      rows.push(row);
    }
  } finally {
    await tracer.close();
    rmSync(dir, { recursive: true });
  }
  console.log(saveResults('freeze', { unit: 'ms', rows }));
  return 0;
}
