import { describe, expect, it } from 'vitest';
import { runnable } from './built.js';
import { listen, start, useStage } from './stage.js';

useStage();

describe.each(runnable)('alternate stacks, %s', (arch) => {
  it.each([
    ['the main thread', []],
    ['a pthread', ['thread']],
  ])('report an overflow of the stack of %s', async (_whose, args) => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'stack-overflow', args, daemon);
    const tid = Number((await program.said(/^tid (\d+)$/m))[1]);
    expect(await program.ended).toBe('SIGSEGV');
    expect(daemon.knocks.map((knock) => knock.tid)).toEqual([tid]);
    expect(tid === program.pid).toBe(args.length === 0);
  });

  it('are unmapped when their thread returns, exits or is cancelled', async () => {
    const program = start(arch, 'thread-churn', ['100']);
    expect(await program.ended).toBe(0);
    const [, before, after] = /^mappings (\d+) (\d+)$/m.exec(program.output) ?? [];
    expect(before).toMatch(/^\d+$/);
    expect(Number(after)).toBe(Number(before));
  });
});
