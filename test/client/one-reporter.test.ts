import { describe, expect, it } from 'vitest';
import { runnable } from './built.js';
import { listen, start, useStage } from './stage.js';

useStage();

describe.each(runnable)('who reports, %s', (arch) => {
  it('lets the second crashing thread of a process wait for its end', async () => {
    const daemon = await listen('hold');
    const program = start(arch, 'two-threads-at-once', [], daemon);
    const left = Number((await program.said(/^tid left (\d+)$/m))[1]);
    const right = Number((await program.said(/^tid right (\d+)$/m))[1]);
    const knock = await daemon.knock(0);
    expect([left, right]).toContain(knock.tid);

    await program.asleep(knock.tid === left ? right : left);
    await program.asleep(knock.tid);
    knock.acknowledge();
    expect(await program.ended).toBe('SIGSEGV');
    expect(daemon.knocks).toHaveLength(1);
  });

  it('reports a forked child as itself', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'forked-child', [], daemon);
    const child = Number((await program.said(/^child (\d+)$/m))[1]);
    expect(await program.ended).toBe(111);
    expect(daemon.knocks.map((knock) => knock.tid)).toEqual([child]);
  });

  it('reports a vfork child, whose memory is its parent’s, and then the parent', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'forked-child', ['vfork-then-parent'], daemon);
    const child = Number((await program.said(/^child (\d+)$/m))[1]);
    expect(await program.ended).toBe('SIGSEGV');
    expect(daemon.knocks.map((knock) => knock.tid)).toEqual([child, program.pid]);
  });

  it('reports a child that was forked while its parent reports', async () => {
    const daemon = await listen('hold');
    const program = start(arch, 'fork-while-reporting', [], daemon);
    const parent = await daemon.knock(0);
    expect(parent.tid).toBe(Number((await program.said(/^tid crashing (\d+)$/m))[1]));
    program.closeInput();
    const child = await daemon.knock(1);
    expect(child.tid).not.toBe(parent.tid);
    child.acknowledge();
    expect(await program.said(/^child (\d+) (\d+)$/m)).toMatchObject({ 1: String(child.tid), 2: '11' });
    parent.acknowledge();
    expect(await program.ended).toBe('SIGSEGV');
  });
});
