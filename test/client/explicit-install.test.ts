import { describe, expect, it } from 'vitest';
import { built, runnable } from './built.js';
import { listen, run, useStage } from './stage.js';

useStage();

describe.each(runnable)('the static library, %s', (arch) => {
  describe.each(['explicit-install', 'explicit-install-static'])('in %s', (name) => {
    it('reports a fault', async () => {
      const daemon = await listen('acknowledge');
      const program = run(built(arch).own(name), ['fault'], { socket: daemon.name });
      expect(await program.ended).toBe('SIGSEGV');
      expect(daemon.knocks.map((knock) => [knock.tid, knock.originalSiCode])).toEqual([[program.pid, 1]]);
    });

    it('reports the overflow of a protected thread', async () => {
      const daemon = await listen('acknowledge');
      const program = run(built(arch).own(name), ['overflow-thread'], { socket: daemon.name });
      const tid = Number((await program.said(/^tid (\d+)$/m))[1]);
      expect(await program.ended).toBe('SIGSEGV');
      expect(daemon.knocks.map((knock) => knock.tid)).toEqual([tid]);
    });
  });
});
