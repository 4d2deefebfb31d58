/** Crashes on order, timed from outside: what bench/programs/launcher.c prints, as values. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from './measure.js';

/** Who takes the crashes. */
export interface CrashHandler {
  /** Preloaded into the programs. */
  readonly library: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where each crash leaves a tombstone, by a rename; null: it leaves none. */
  readonly tombstones: string | null;
}

/** Milliseconds on one clock. */
export interface Crash {
  readonly pid: number;
  /** When the program was told to crash. */
  readonly ordered: number;
  /** Just before the faulting instruction. */
  readonly fault: number;
  /** When wait4 gave its status to its parent. */
  readonly dead: number;
  readonly status: number;
}

export interface Launch {
  readonly crashes: readonly Crash[];
  /** When each tombstone appeared under its name, in order. Copies of them are `keep`/0, `keep`/0.dmp, ... */
  readonly published: readonly number[];
  /** All are dead, with as many tombstones. */
  readonly complete: boolean;
}

export interface LaunchOptions {
  readonly launcher: string;
  readonly crasher: string;
  readonly threads: number;
  readonly count: number;
  /**
   * Microseconds between the orders to crash; 'one by one': the next starts when the one before is dead and reported.
   */
  readonly interval: number | 'one by one';
  /** Null: nobody, to see what the kernel takes by itself. */
  readonly handler: CrashHandler | null;
  /** A directory for second names of the tombstones, made anew. */
  readonly keep: string;
}

export async function launch(options: LaunchOptions): Promise<Launch> {
  const { launcher, crasher, threads, count, interval, handler, keep } = options;
  rmSync(keep, { recursive: true, force: true });
  mkdirSync(keep);
  const args = [
    count,
    interval === 'one by one' ? -1 : interval,
    handler?.tombstones ?? '-',
    keep,
    handler?.library ?? '-',
    crasher,
    threads,
  ].map(String);
  const env = { ...cleanEnvironment(), ...handler?.env };
  const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0 && code !== 3) throw new Error(`the launcher ended with ${code}`);
  const crashes: Crash[] = [];
  const published: number[] = [];
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    const ms = (at: number): number => Number(words[at]) / 1e6;
    if (words[0] === 'pid')
      crashes.push({ pid: Number(words[1]), ordered: ms(3), fault: ms(5), dead: ms(7), status: Number(words[9]) });
    else if (words[0] === 'tombstone') published.push(ms(2));
  }
  return { crashes, published, complete: code === 0 };
}

/** Empties a tombstone directory. */
export function clear(dir: string): void {
  for (const name of readdirSync(dir)) if (name.startsWith('tombstone_')) rmSync(join(dir, name), { recursive: true });
}
