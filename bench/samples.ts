/** Samples of a measurement, what is said of them, and where results are kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
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
export function spread({ median, low, high }: Summary, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

/** The ratio of two medians, and the range in which it lies when both are at their quartiles. */
export function ratio(ours: Summary, theirs: Summary): { median: number; low: number; high: number } {
  return { median: ours.median / theirs.median, low: ours.low / theirs.high, high: ours.high / theirs.low };
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
  };
  writeFileSync(path, `${JSON.stringify({ machine, ...results }, null, 2)}\n`);
  return path;
}
