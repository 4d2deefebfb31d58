/**
 * Many crashes: all at once, at a rate, in a row. Each process has four threads; each report is looked at, and one that
 * is missing or not whole is lost.
 *   npm run bench -- storm [--rounds N] [at-once|rate|row...]     default 5 rounds of at-once and rate, one of row
 */
import { parseArgs } from 'node:util';
import { clear, type Launch, launch } from './harness/launcher.js';
import { PrivateDaemon } from './harness/private-daemon.js';
import { Workshop } from './harness/programs.js';
import { percentile, type Summary, saveResults, spread, summary } from './harness/samples.js';
import { whatIsMissing } from './harness/whole.js';

const THREADS = 4;

interface Storm {
  readonly what: string;
  readonly count: number;
  readonly interval: number | 'one by one';
  readonly repeat: boolean;
}

const STORMS: Readonly<Record<string, Storm>> = {
  'at-once': { what: '100 processes at once', count: 100, interval: 0, repeat: true },
  rate: { what: '300 processes in 3 s', count: 300, interval: 10_000, repeat: true },
  row: { what: '1000 processes in a row', count: 1000, interval: 'one by one', repeat: false },
};

interface Row {
  readonly storm: string;
  readonly crashes: number;
  readonly lost: number;
  /** Milliseconds from the first order to crash to the last whole report, per round. */
  readonly total: Summary;
  /** From each fault to its process's death and to its report. */
  readonly dead: { readonly p50: number; readonly p99: number };
  readonly reported: { readonly p50: number; readonly p99: number };
  /** Resident at most, MB, since the daemon's start. */
  readonly peakMb: Readonly<Record<string, number>>;
}

/** What is lost of a launch, and why, and the time of each crash's report. */
function judge(keep: string, { crashes, published }: Launch): { lost: string[]; reported: number[] } {
  const byPid = new Map(crashes.map((crash) => [crash.pid, crash]));
  const left = new Set(byPid.keys());
  const lost: string[] = [];
  published.forEach((_, i) => {
    const missing = whatIsMissing(`${keep}/${i}`, left, THREADS);
    if (missing !== null) lost.push(missing);
  });
  for (let i = published.length; i < crashes.length; i++) lost.push('any report');
  // In order: the n-th report is not that of the n-th crash, but as many are due by then.
  const faults = crashes.map(({ fault }) => fault).sort((a, b) => a - b);
  return { lost, reported: published.map((time, i) => time - (faults[i] ?? time)) };
}

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(STORMS);
  const workshop = new Workshop();
  const rows: Row[] = [];
  try {
    const [launcher, crasher] = [workshop.compile('launcher'), workshop.compile('crasher')];
    const keep = workshop.file('keep');
    for (const name of names) {
      const storm = STORMS[name];
      if (storm === undefined) throw new Error(`no storm ${name}; there are ${Object.keys(STORMS).join(', ')}`);
      const { what, count, interval, repeat } = storm;
      const daemon = await PrivateDaemon.start(workshop.file('daemon'));
      const run = (processes: number) =>
        launch({ launcher, crasher, threads: THREADS, count: processes, interval, handler: daemon.handler, keep });
      try {
        // A daemon that has seen crashes before; the files are known, the code is compiled.
        await run(20);
        const [totals, dead, reported, lost]: [number[], number[], number[], string[]] = [[], [], [], []];
        for (let round = 0; round < (repeat ? Number(values.rounds ?? 5) : 1); round++) {
          clear(daemon.tombstones);
          const result = await run(count);
          const judged = judge(keep, result);
          lost.push(...judged.lost);
          totals.push(result.published.at(-1)! - result.crashes[0]!.ordered);
          dead.push(...result.crashes.map((crash) => crash.dead - crash.fault));
          reported.push(...judged.reported);
        }
        const quantiles = (of: readonly number[]) => ({ p50: percentile(of, 0.5), p99: percentile(of, 0.99) });
        const row = {
          storm: what,
          crashes: dead.length,
          lost: lost.length,
          total: summary(totals),
          dead: quantiles(dead),
          reported: quantiles(reported),
          peakMb: Object.fromEntries(
            daemon.memory().map(({ name: process, peak }, i) => [`${process} ${i}`, peak / 1e6]),
          ),
        };
        rows.push(row);
        print(row, lost);
      } finally {
        await daemon.stop();
      }
    }
    console.log(saveResults('storm', { unit: 'ms', rows }));
  } finally {
    await workshop.close();
  }
  return rows.some(({ lost }) => lost > 0) ? 1 : 0;
}

function print(row: Row, lost: readonly string[]): void {
  const { dead, reported } = row;
  const memory = Object.entries(row.peakMb).map(([name, mb]) => `${name.replace(/ \d+$/, '')} ${mb.toFixed(0)}`);
  console.log(
    `${row.storm}: the last whole report after ${spread(row.total, 0)} ms, ${row.lost} lost of ${row.crashes}; ` +
      `dead p50 ${dead.p50.toFixed(1)}, p99 ${dead.p99.toFixed(1)} ms; ` +
      `reported p50 ${reported.p50.toFixed(1)}, p99 ${reported.p99.toFixed(1)} ms; ` +
      `resident at most ${memory.join(', ')} MB`,
  );
  for (const what of new Set(lost)) console.log(`    lost: ${what} (${lost.filter((each) => each === what).length})`);
}
