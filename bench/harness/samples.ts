/** Samples of a measurement, what is said of them, and where results are kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';

export interface Summary {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export function summary(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number => {
    const place = (sorted.length - 1) * part;
    const below = sorted[Math.floor(place)] ?? Number.NaN;
    const above = sorted[Math.ceil(place)] ?? Number.NaN;
    return below + (above - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75), count: sorted.length };
}

/** `1.23 (1.10-1.40)`: the median and the quartiles. */
export function spread({ median, low, high }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

export type Spread = Omit<Summary, 'count'>;

/** The ratio of two medians, and the range in which it lies when both are at their quartiles. */
export function ratio(ours: Spread, theirs: Spread): Spread {
  return { median: ours.median / theirs.median, low: ours.low / theirs.high, high: ours.high / theirs.low };
}

/** The value that a part (0.99: the 99th percentile) of the samples does not exceed. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** Writes bench/results/NAME.json below the working directory; returns its path. */
export function saveResults(name: string, results: object): string {
  const dir = join(process.cwd(), 'bench/results');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${name}.json`);
  const processors = cpus();
  const machine = {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cpus: processors.length,
    kernel: release(),
    node: process.version,
    date: new Date().toISOString(),
    /** Of the machine in the last minute; `preferred`: this run went before what else there was. */
    load: Number(loadavg()[0]!.toFixed(2)),
    preferred: process.env.BENCH_PRIORITY !== undefined,
  };
  writeFileSync(path, `${JSON.stringify({ machine, ...results }, null, 2)}\n`);
  return path;
}
