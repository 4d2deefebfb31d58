/**
 * For how long does a live target stand still? The longest gap that a thread of it sees that does nothing but look at
 * the clock, while all its threads (20 frames deep) are captured: ours, gdb (`thread apply all bt`) and gcore, in turn,
 * on the same process.
 *   npm run bench -- freeze [--rounds N] [THREADS...]     default 15 (7 above 100 threads), 1 10 100 1000
 *
 * The first round of each is not counted. `idle` is the gap that nobody caused: the machine's own noise.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { alternate, hasPeer, preferGroup, wall } from './harness/measure.js';
import { Workshop } from './harness/programs.js';
import { ratio, type Summary, saveResults, spread, summary } from './harness/samples.js';
import { TracerClient } from './harness/tracer-client.js';

/** The target. */
class Ticker {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(path: string, threads: number) {
    // In a session of its own, so that its looks at the clock and what is measured share the machine evenly.
    this.#child = spawn(path, [String(threads)], { detached: true });
    this.pid = this.#child.pid!;
    preferGroup(this.pid);
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
  workshop: Workshop,
  program: string,
  threads: number,
  tracer: TracerClient,
  rounds: number,
): Promise<Row> {
  const ticker = new Ticker(program, threads);
  await ticker.ready();
  const steps: Record<string, number[]> = {};
  const core = workshop.file('core');
  const out = workshop.file('out');
  const acts: Record<string, (round: number) => unknown> = {
    idle: () => new Promise((resolve) => setTimeout(resolve, 20)),
    ours: (round) => {
      const copy = tracer.capture(ticker.pid);
      tracer.drop(copy);
      if (round < 0) return;
      for (const [step, micros] of Object.entries(copy.captured.micros)) {
        steps[step] ??= [];
        steps[step].push(micros);
      }
    },
    gdb: () => wall(['gdb', '-nx', '-batch', '-ex', 'thread apply all bt', '-p', String(ticker.pid)], out),
    gcore: () => {
      wall(['gcore', '-o', core, String(ticker.pid)], out);
      rmSync(`${core}.${ticker.pid}`, { force: true });
    },
  };
  const sides = Object.entries(acts)
    .filter(([side]) => side === 'idle' || side === 'ours' || hasPeer(side))
    .map(([side, act]) => [
      side,
      async (round: number) => {
        await ticker.gap();
        await act(round);
        return ticker.gap();
      },
    ]);
  const samples = await alternate(Object.fromEntries(sides), { rounds });
  await ticker.close();
  const each = <T, U>(record: Record<string, T>, of: (value: T) => U): Record<string, U> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]));
  return { threads, gaps: each(samples, summary), micros: each(steps, (values) => summary(values).median) };
}

function print({ threads, gaps, micros }: Row): void {
  const { idle, ours } = gaps as Record<'idle' | 'ours', Summary>;
  const versus = (name: string, theirs: Summary): string => {
    const { median, low, high } = ratio(ours, theirs);
    const part = (share: number): string => `1/${(1 / share).toFixed(0)}`;
    return `${name} ${spread(theirs, 1)} ms, ours/${name} ${part(median)} (${part(low)}-${part(high)})`;
  };
  const peers = ['gdb', 'gcore'].flatMap((name) => (gaps[name] === undefined ? [] : [versus(name, gaps[name])]));
  console.log(
    `${String(threads).padStart(5)} threads: ` +
      [`ours ${spread(ours)} ms`, ...peers, `idle ${spread(idle)} ms`].join('; '),
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
  const workshop = new Workshop();
  const program = workshop.compile('ticker');
  const tracer = new TracerClient();
  const rows: Row[] = [];
  try {
    for (const threads of counts) {
      const rounds = Number(values.rounds ?? (threads > 100 ? 7 : 15));
      const row = await measure(workshop, program, threads, tracer, rounds);
      print(row);
      rows.push(row);
    }
  } finally {
    await tracer.close();
    await workshop.close();
  }
  console.log(saveResults('freeze', { unit: 'ms', rows }));
  return 0;
}
