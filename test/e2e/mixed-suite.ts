/** Processes of two architectures that crash at the same moment, under one daemon. */
import { describe, expect, it } from 'vitest';
import { type Architecture, missingFor } from './architecture.js';
import { type Daemon, daemonForAll } from './daemon.js';
import { start } from './target.js';

export function mixedSuite(both: readonly [Architecture, Architecture], givenDaemon?: () => Daemon): void {
  const names = both.map(({ name }) => name).join(' and ');
  const missing = missingFor(both[0]) ?? missingFor(both[1]);

  describe.skipIf(missing !== null)(`${names} under one daemon ${missing ?? ''}`, () => {
    const daemon = givenDaemon ?? daemonForAll();

    it('crash at the same moment', async () => {
      const targets = both.map((architecture) => start('deleted-executable', [], { daemon: daemon(), architecture }));
      await Promise.all(targets.map((target) => target.said(/ready/)));
      for (const target of targets) target.process.stdin.write('x');
      const found = await Promise.all(targets.map((target) => daemon().tombstoneOf(target.pid)));
      expect(await Promise.all(targets.map((target) => target.ended))).toEqual(['SIGSEGV', 'SIGSEGV']);
      expect(found.map(({ tombstone }) => tombstone.abi)).toEqual(both.map(({ abi }) => abi));
      for (const { tombstone } of found) {
        const names = tombstone.threads[0]?.frames.slice(0, 3).map((frame) => frame.fn);
        expect(names).toEqual(['fault_without_file', 'after_deletion', 'main']);
      }
    });
  });
}
