/**
 * What the client library costs a program that does not crash: with it and without it, in turns in one run.
 *   npm run bench -- client [--rounds N] [--library FILE]     default 15 rounds, of dist/lib/libdebuggerd_client.so
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { alternate, cleanEnvironment } from './harness/measure.js';
import { Workshop } from './harness/programs.js';
import { ratio, type Summary, saveResults, spread, summary } from './harness/samples.js';

/** What bench/programs/thread-cost.c is asked for, and its unit. */
const KINDS = [
  { kind: 'create', count: 3000, what: 'create and join a thread', unit: 'us', scale: 1e-3 },
  { kind: 'alive', count: 1000, what: 'mappings per live thread', unit: '', scale: 1 },
  { kind: 'first', count: 1000, what: 'first fault of a thread, repaired by the program', unit: 'us', scale: 1e-3 },
  { kind: 'next', count: 20_000, what: 'each fault after it', unit: 'us', scale: 1e-3 },
  { kind: 'start', count: 0, what: 'a whole process that does nothing', unit: 'ms', scale: 1 },
] as const;

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly without: Summary;
  readonly with: Summary;
}

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string' }, library: { type: 'string' } },
  });
  const library = values.library ?? join(process.cwd(), 'dist/lib/libdebuggerd_client.so');
  const rounds = Number(values.rounds ?? 15);
  const workshop = new Workshop();
  const rows: Row[] = [];
  try {
    const program = workshop.compile('thread-cost');
    for (const { kind, count, what, unit, scale } of KINDS) {
      const side = (preload: string | null) => (): number => {
        const env = { ...cleanEnvironment(), ...(preload !== null && { LD_PRELOAD: preload }) };
        const started = performance.now();
        const { status, stdout, stderr, error } = spawnSync(program, [kind, String(count)], { env, encoding: 'utf8' });
        const took = performance.now() - started;
        // The dynamic linker goes on without a library that it cannot load, and says so.
        if (status !== 0 || stderr !== '') throw new Error(`thread-cost ${kind}: ${error?.message ?? stderr}`);
        return kind === 'start' ? took : Number(stdout) * scale;
      };
      const samples = await alternate({ without: side(null), with: side(library) }, { rounds });
      const row = { what, unit, without: summary(samples.without!), with: summary(samples.with!) };
      rows.push(row);
      const factor = ratio(row.with, row.without);
      console.log(
        `${what}: with ${spread(row.with)} ${unit}, without ${spread(row.without)} ${unit}: ` +
          `x ${factor.median.toFixed(2)}`,
      );
    }
    console.log(saveResults('client', { library: values.library ?? 'dist/lib/libdebuggerd_client.so', rows }));
  } finally {
    await workshop.close();
  }
  return 0;
}
