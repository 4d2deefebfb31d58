/**
 * The whole wall of a live backtrace: `debuggerd -b`, `eu-stack -p`, `gdb -batch`, in turns on the same process.
 *   npm run bench -- backtrace [--rounds N] [THREADS...]
 *
 * By default 15 rounds (7 above 100 threads) of 10, 100 and 1000 threads, then of Node itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { alternate, cleanEnvironment, countLines, hasPeer, wall } from './harness/measure.js';
import { PrivateDaemon, program } from './harness/private-daemon.js';
import { Workshop } from './harness/programs.js';
import { ratio, type Summary, saveResults, spread, summary } from './harness/samples.js';

const FRAME = /^\s*#\d+ /;

interface Row {
  readonly target: string;
  readonly frames: Readonly<Record<string, number>>;
  readonly ms: Readonly<Record<string, Summary>>;
}

class Comparison {
  readonly #workshop: Workshop;
  readonly #daemon: PrivateDaemon;
  readonly #peers: readonly string[];
  readonly rows: Row[] = [];

  constructor(workshop: Workshop, daemon: PrivateDaemon) {
    this.#workshop = workshop;
    this.#daemon = daemon;
    this.#peers = ['eu-stack', 'gdb'].filter(hasPeer);
  }

  async measure(target: string, pid: number, rounds: number): Promise<void> {
    const commands: Record<string, readonly string[]> = {
      ours: [program, '--socket', this.#daemon.socket, '-b', String(pid)],
      'eu-stack': ['eu-stack', '-p', String(pid)],
      gdb: ['gdb', '-nx', '-batch', '-ex', 'thread apply all bt', '-p', String(pid)],
    };
    const sides = Object.fromEntries(
      Object.entries(commands)
        .filter(([side]) => side === 'ours' || this.#peers.includes(side))
        .map(([side, command]) => [
          side,
          // gdb is slower by an order of magnitude: every third round is enough of it.
          (round: number) => (side === 'gdb' && round % 3 !== 0 ? null : wall(command, this.#workshop.file(side))),
        ]),
    );
    const samples = await alternate(sides, { rounds, warmUp: 2 });
    const ms = Object.fromEntries(Object.entries(samples).map(([side, values]) => [side, summary(values)]));
    const frames = Object.fromEntries(
      Object.keys(sides).map((side) => [side, countLines(this.#workshop.file(side), FRAME)]),
    );
    const row = { target, frames, ms };
    this.rows.push(row);
    print(row);
  }
}

function print({ target, frames, ms }: Row): void {
  const ours = ms.ours!;
  console.log(`${target}: ours ${spread(ours, 1)} ms, ${frames.ours} frames`);
  for (const peer of ['eu-stack', 'gdb']) {
    const theirs = ms[peer];
    if (theirs === undefined) continue;
    console.log(
      `    ${peer.padEnd(8)} ${spread(theirs, 1)} ms, ${frames[peer]} frames; ` +
        `ours/${peer} ${spread(ratio(ours, theirs))}`,
    );
  }
}

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' } },
  });
  const counts = positionals.length > 0 ? positionals.map(Number) : [10, 100, 1000];
  const roundsOf = (threads: number) => Number(values.rounds ?? (threads > 100 ? 7 : 15));
  const workshop = new Workshop();
  let daemon: PrivateDaemon | undefined;
  try {
    const crasher = workshop.compile('crasher');
    daemon = await PrivateDaemon.start(workshop.file('daemon'));
    const comparison = new Comparison(workshop, daemon);
    for (const threads of counts) {
      const target = await workshop.park(crasher, threads);
      await comparison.measure(`${threads} threads`, target.pid, roundsOf(threads));
      await workshop.end(target);
    }
    if (positionals.length === 0) {
      const node = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e9)'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: cleanEnvironment(),
      });
      await once(node.stdout, 'data');
      await comparison.measure('node, a program of 100 MB', node.pid!, roundsOf(100));
      node.kill('SIGKILL');
      await once(node, 'exit');
    }
    console.log(saveResults('backtrace', { unit: 'ms', rows: comparison.rows }));
  } finally {
    await daemon?.stop();
    await workshop.close();
  }
  return 0;
}
