/**
 * How long a crash takes: from the faulting instruction until the parent's wait4 returns, and until the tombstone, with its minidump, is
 * published; beside it the same crash without a handler, which is what the kernel takes by itself.
 *   npm run bench -- crash [--rounds N] [THREADS...]     default 30 (10 above 100 threads), 1 10 100 1000
 */
import { parseArgs } from 'node:util';
import { clear, type Launch, launch } from './harness/launcher.js';
import { PrivateDaemon } from './harness/private-daemon.js';
import { Workshop } from './harness/programs.js';
import { type Summary, saveResults, spread, summary } from './harness/samples.js';
import { whatIsMissing } from './harness/whole.js';

/** Crashes of one side before it is the other's turn. */
const BATCH = 5;

interface Row {
  readonly threads: number;
  /** Milliseconds from the fault. */
  readonly dead: Summary;
  readonly published: Summary;
  readonly deadWithoutHandler: Summary;
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
    const run = (threads: number, watched: PrivateDaemon | null): Promise<Launch> =>
      launch({
        launcher,
        crasher,
        threads,
        count: BATCH,
        interval: 'one by one',
        daemon: watched,
        keep: watched === null ? workshop.file('none') : keep,
      });
    for (const threads of counts) {
      const [dead, published, bare]: [number[], number[], number[]] = [[], [], []];
      const rounds = Number(values.rounds ?? (threads > 100 ? 10 : 30));
      // The first batch of each side is not counted.
      for (let round = -BATCH; round < rounds; round += BATCH) {
        const ours = await run(threads, daemon);
        const alone = await run(threads, null);
        ours.crashes.forEach(({ pid }, i) => {
          const missing = whatIsMissing(`${keep}/${i}`, new Set([pid]), threads);
          if (missing !== null && i < ours.published.length) throw new Error(`crash ${i} lacks ${missing}`);
        });
        if (!ours.complete) throw new Error(`${BATCH - ours.published.length} reports are missing`);
        clear(tombstones);
        if (round < 0) continue;
        dead.push(...ours.crashes.map((crash) => crash.dead - crash.fault));
        published.push(...ours.crashes.map((crash, i) => ours.published[i]! - crash.fault));
        bare.push(...alone.crashes.map((crash) => crash.dead - crash.fault));
      }
      const row = {
        threads,
        dead: summary(dead),
        published: summary(published),
        deadWithoutHandler: summary(bare),
      };
      rows.push(row);
      console.log(
        `${String(threads).padStart(5)} threads: dead after ${spread(row.dead)} ms (without a handler ${spread(row.deadWithoutHandler)}), ` +
          `reported after ${spread(row.published)} ms`,
      );
    }
    console.log(saveResults('crash', { unit: 'ms from the faulting instruction', rows }));
  } finally {
    await daemon?.stop();
    await workshop.close();
  }
  return 0;
}
