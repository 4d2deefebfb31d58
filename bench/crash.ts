/**
 * How long a crash takes: from the faulting instruction until the parent's wait4 returns, and until the tombstone, with
 * its minidump, is published; beside it the same crash with a running handler of Crashpad's, and without any, which is
 * what the kernel takes by itself.
 *   npm run bench -- crash [--rounds N] [THREADS...]     default 30 (10 above 100 threads), 1 10 100 1000
 */
import { parseArgs } from 'node:util';
import { Crashpad } from './harness/crashpad.js';
import { type CrashHandler, clear, type Launch, launch } from './harness/launcher.js';
import { PrivateDaemon } from './harness/private-daemon.js';
import { Workshop } from './harness/programs.js';
import { ratio, type Summary, saveResults, spread, summary } from './harness/samples.js';
import { whatIsMissing } from './harness/whole.js';

/** Crashes of one side before it is the other's turn. */
const BATCH = 5;

interface Row {
  readonly threads: number;
  /** Milliseconds from the fault. */
  readonly dead: Summary;
  readonly published: Summary;
  readonly deadWithoutHandler: Summary;
  readonly deadByCrashpad?: Summary;
}

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' } },
  });
  const counts = positionals.length > 0 ? positionals.map(Number) : [1, 10, 100, 1000];
  const workshop = new Workshop();
  const rows: Row[] = [];
  let daemon: PrivateDaemon | undefined;
  try {
    const [launcher, crasher] = [workshop.compile('launcher'), workshop.compile('crasher')];
    daemon = await PrivateDaemon.start(workshop.file('daemon'));
    const { tombstones } = daemon;
    const keep = workshop.file('keep');
    const crashpad = Crashpad.find(workshop);
    const run = (threads: number, handler: CrashHandler | null): Promise<Launch> =>
      launch({
        launcher,
        crasher,
        threads,
        count: BATCH,
        interval: 'one by one',
        handler,
        keep: handler?.tombstones ? keep : workshop.file('none'),
      });
    for (const threads of counts) {
      const [dead, published, theirs, bare]: [number[], number[], number[], number[]] = [[], [], [], []];
      const rounds = Number(values.rounds ?? (threads > 100 ? 10 : 30));
      // The first batch of each side is not counted.
      for (let round = -BATCH; round < rounds; round += BATCH) {
        const ours = await run(threads, daemon.handler);
        const peer = crashpad === null ? null : await run(threads, crashpad.handler);
        const alone = await run(threads, null);
        crashpad?.check(BATCH, threads);
        ours.crashes.forEach(({ pid }, i) => {
          const missing = whatIsMissing(`${keep}/${i}`, new Set([pid]), threads);
          if (missing !== null && i < ours.published.length) throw new Error(`crash ${i} lacks ${missing}`);
        });
        if (!ours.complete) throw new Error(`${BATCH - ours.published.length} reports are missing`);
        clear(tombstones);
        if (round < 0) continue;
        dead.push(...timesToDeath(ours));
        published.push(...ours.crashes.map((crash, i) => ours.published[i]! - crash.fault));
        bare.push(...timesToDeath(alone));
        if (peer !== null) theirs.push(...timesToDeath(peer));
      }
      const row: Row = {
        threads,
        dead: summary(dead),
        published: summary(published),
        deadWithoutHandler: summary(bare),
        ...(theirs.length > 0 && { deadByCrashpad: summary(theirs) }),
      };
      rows.push(row);
      print(row);
    }
    console.log(saveResults('crash', { unit: 'ms from the faulting instruction', rows }));
  } finally {
    await daemon?.stop();
    await workshop.close();
  }
  return 0;
}

function timesToDeath({ crashes }: Launch): number[] {
  return crashes.map(({ fault, dead }) => dead - fault);
}

function print({ threads, dead, published, deadWithoutHandler, deadByCrashpad }: Row): void {
  const versus =
    deadByCrashpad === undefined
      ? ''
      : ` (Crashpad ${spread(deadByCrashpad)}, ours/Crashpad ${spread(ratio(dead, deadByCrashpad))})`;
  console.log(
    `${String(threads).padStart(5)} threads: dead after ${spread(dead)} ms${versus}, ` +
      `without a handler ${spread(deadWithoutHandler)}; ` +
      `reported after ${spread(published)} ms`,
  );
}
