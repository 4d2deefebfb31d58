/** What a capture costs, in counts: system calls and bytes, for the process and for each of its threads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start, type Target } from '../e2e/target.js';
import { missing } from '../requirements.js';
import { TracerProcess } from '../tracer/tracer-process.js';
import { countCalls, total } from './strace.js';

const FEW = 10;
const MANY = 210;
const CAPTURES = 4;

const withoutRoot = missing('root');
const withoutStrace = missing('strace');

describe.skipIf(withoutRoot)(`the cost of a capture${withoutRoot}`, () => {
  let tracer: TracerProcess;
  const targets: Target[] = [];
  const pids: number[] = [];

  beforeAll(async () => {
    tracer = await TracerProcess.start([], true);
    for (const threads of [FEW, MANY]) {
      const target = start('many-threads', [String(threads), '20']);
      targets.push(target);
      await target.said(/^ready$/m);
      pids.push(target.pid);
    }
  });
  afterAll(async () => {
    for (const target of targets) await target.kill();
    await tracer?.stop();
  });

  it.skipIf(withoutStrace)(
    `in system calls: eight for each thread, fewer than 115 besides${withoutStrace}`,
    async () => {
      const counts = [];
      for (const pid of pids) {
        const calls = await countCalls(tracer.pid, async () => {
          for (let i = 0; i < CAPTURES; i++) await tracer.capture({ pid, kind: 'backtrace' });
        });
        counts.push(total(calls) / CAPTURES);
      }
      const [few = 0, many = 0] = counts;
      const each = (many - few) / (MANY - FEW);
      const fixed = few - each * FEW;
      // Seize, interrupt, wait, one register set, detach; open, read, close for the name: 8, and what the longer maps
      // take.
      expect(each, `${few} calls with ${FEW} threads, ${many} with ${MANY}`).toBeLessThan(9);
      expect(each).toBeGreaterThan(5);
      // A dozen of them ask on which mounts the look-up for a perf map goes.
      expect(fixed).toBeLessThan(115);
    },
  );

  it('in bytes: registers and the used part of the stack for each thread', async () => {
    const sizes = [];
    for (const pid of pids) sizes.push((await tracer.capture({ pid, kind: 'backtrace' })).captured.bytes);
    const [few = 0, many = 0] = sizes;
    const each = (many - few) / (MANY - FEW);
    // 1232 of context, 216 of registers, some 2 KiB of stack, lines of maps; a stack copied whole would be 16 KiB.
    expect(each, `${few} bytes with ${FEW} threads, ${many} with ${MANY}`).toBeLessThan(8 * 1024);
    expect(few - each * FEW).toBeLessThan(80 * 1024);
  });
});
