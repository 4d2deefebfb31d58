/**
 * Memory of the daemon's processes: idle, after crashes, while a process of 1000 threads is dumped.
 *   npm run bench -- memory [--crashes N]     default 1000
 *
 * PSS divides what is shared among all who share it, other Node processes of the machine too. `alone` is what it would
 * be without those: what each process has for itself, and once what all of them share.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launch } from './harness/launcher.js';
import { type MemoryUse, PrivateDaemon } from './harness/private-daemon.js';
import { Workshop } from './harness/programs.js';
import { saveResults } from './harness/samples.js';

interface Reading {
  readonly when: string;
  readonly processes: readonly MemoryUse[];
  readonly pss: number;
  readonly alone: number;
}

const MB = 1024 * 1024;
/** Longer than the processes wait before they clear up. */
const SETTLED_MS = 2500;

function reading(when: string, processes: readonly MemoryUse[]): Reading {
  const sum = (of: (process: MemoryUse) => number) => processes.reduce((total, process) => total + of(process), 0);
  const pss = sum((process) => process.pss);
  return {
    when,
    processes,
    pss,
    alone: sum(({ anonymous }) => anonymous) + Math.max(...processes.map(({ file }) => file)),
  };
}

function print({ when, processes, pss, alone }: Reading): void {
  const mb = (bytes: number) => (bytes / MB).toFixed(1);
  const each = processes.map(({ name, pss: own, anonymous }) => `${name} ${mb(own)} (${mb(anonymous)} its own)`);
  console.log(`${when}: PSS ${mb(pss)} MB, alone ${mb(alone)} MB: ${each.join(', ')}`);
}

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { crashes: { type: 'string' } } });
  const crashes = Number(values.crashes ?? 1000);
  const workshop = new Workshop();
  const readings: Reading[] = [];
  let daemon: PrivateDaemon | undefined;
  try {
    const [launcher, crasher] = [workshop.compile('launcher'), workshop.compile('crasher')];
    daemon = await PrivateDaemon.start(workshop.file('daemon'));
    const watched = daemon;
    const take = async (when: string, settle = SETTLED_MS): Promise<void> => {
      await sleep(settle);
      const taken = reading(when, watched.memory());
      readings.push(taken);
      print(taken);
    };
    const crash = (count: number, threads: number) =>
      launch({
        launcher,
        crasher,
        threads,
        count,
        interval: 'one by one',
        handler: watched.handler,
        keep: workshop.file('keep'),
      });
    await take('idle');
    let done = 0;
    for (const upTo of [100, crashes]) {
      for (; done < upTo; done += 50) await crash(Math.min(50, upTo - done), 4);
      await take(`after ${upTo} crashes`);
    }
    // The largest of many looks while it is going on.
    let most: Reading | null = null;
    let going = true;
    const dump = crash(2, 1000).finally(() => {
      going = false;
    });
    while (going) {
      const now = reading('during the dump of 1000 threads, at most', watched.memory());
      if (most === null || now.alone > most.alone) most = now;
      await sleep(20);
    }
    await dump;
    readings.push(most!);
    print(most!);
    await take('afterwards');
    console.log(saveResults('memory', { unit: 'bytes', readings }));
  } finally {
    await daemon?.stop();
    await workshop.close();
  }
  return 0;
}
