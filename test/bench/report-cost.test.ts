/**
 * What a crash costs the daemon, in counts: looks at files and messages, whatever the number of tombstones that it
 * keeps.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/daemon.js';
import { start } from '../e2e/target.js';
import { missing } from '../requirements.js';
import { countCalls, total } from './strace.js';

const CRASHES = 5;
/** Slots of the directory: what each publication may not look at one by one. */
const SLOTS = 100;

const lost = missing('root', 'strace');

async function crash(daemon: Daemon): Promise<void> {
  const target = start('null-write', [], { daemon });
  await target.ended;
  await daemon.tombstoneOf(target.pid);
}

describe.skipIf(lost)(`the cost of a crash for the daemon${lost}`, () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ max_tombstones: SLOTS, warm_up: true });
    await crash(daemon);
  });
  afterAll(() => daemon.stop());

  it('is fewer than eighty system calls, and no look at each tombstone', async () => {
    const calls = await countCalls(
      daemon.pid,
      async () => {
        for (let i = 0; i < CRASHES; i++) await crash(daemon);
      },
      true,
    );
    const listed = JSON.stringify([...calls]);
    expect(total(calls) / CRASHES, listed).toBeLessThan(80);
    const looks = ['stat', 'lstat', 'newfstatat', 'statx'].reduce((sum, name) => sum + (calls.get(name) ?? 0), 0);
    expect(looks / CRASHES, listed).toBeLessThan(6);
    // To the tracer, to the engraver (its files, the job): what is more is another wake-up in the path of a crash.
    expect((calls.get('sendmsg') ?? 0) / CRASHES, listed).toBeLessThanOrEqual(3);
  });
});
