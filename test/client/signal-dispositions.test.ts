import { describe, expect, it } from 'vitest';
import { built, runnable } from './built.js';
import { listen, run, start, useStage } from './stage.js';

useStage();

describe.each(runnable)('programs that treat signals their own way, %s', (arch) => {
  it.each([
    ['ignores every other signal', 'ignore', 'SIGSEGV', 1],
    ['blocks every signal and aborts', 'block', 'SIGABRT', 1],
    ['blocks every signal and faults: no handler runs', 'block-fault', 'SIGSEGV', 0],
    ['ignores every signal and faults', 'ignore-all', 'SIGSEGV', 1],
  ] as const)('%s', async (_what, how, signal, knocks) => {
    const daemon = await listen('acknowledge');
    expect(await start(arch, 'ignores-signals', [how], daemon).ended).toBe(signal);
    expect(daemon.knocks).toHaveLength(knocks);
  });

  it('dies of a signal that is blocked again when the handler returns', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'external-kill', ['masked'], daemon);
    await program.said(/^ready$/m);
    await program.asleep(program.pid);
    program.signal('SIGSEGV');
    expect(await program.ended).toBe('SIGSEGV');
    expect(daemon.knocks).toHaveLength(1);
  });

  it('reports when the program puts back by signal(2) what it has saved', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'lost-siginfo', [], daemon);
    expect(await program.ended).toBe('SIGSEGV');
    expect(daemon.knocks.map((knock) => [knock.tid, knock.originalSiCode])).toEqual([[program.pid, 1]]);
  });

  describe('started with SIGSEGV ignored', () => {
    const ignoring = (name: string, daemon: { name: string }) => {
      const files = built(arch);
      const script = 'trap "" SEGV; LD_PRELOAD=$1; export LD_PRELOAD; exec "$2"';
      return run('/bin/sh', ['-c', script, 'sh', files.library, files.program(name)], { socket: daemon.name });
    };

    it('still ignores it when it is sent', async () => {
      const daemon = await listen('acknowledge');
      const program = ignoring('external-kill', daemon);
      await program.said(/^ready$/m);
      program.signal('SIGSEGV');
      program.closeInput();
      expect(await program.ended).toBe(0);
      expect(daemon.knocks).toHaveLength(0);
    });

    it('reports a fault all the same', async () => {
      const daemon = await listen('acknowledge');
      expect(await ignoring('null-write', daemon).ended).toBe('SIGSEGV');
      expect(daemon.knocks).toHaveLength(1);
    });
  });
});
