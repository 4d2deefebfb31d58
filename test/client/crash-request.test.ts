import { describe, expect, it } from 'vitest';
import { runnable } from './built.js';
import { listen, start, useStage } from './stage.js';

useStage();

/** si_code: sigaction(2). */
const SI_USER = 0;
const SI_TKILL = -6;
const SI_KERNEL = 0x80;
const crashes: [program: string, args: string[], signal: NodeJS.Signals, siCode: number][] = [
  ['null-write', [], 'SIGSEGV', 1],
  ['null-write', ['readonly'], 'SIGSEGV', 2],
  ['null-call', [], 'SIGSEGV', 1],
  ['abort-message', [], 'SIGABRT', SI_TKILL],
  ['bus-error', [`/tmp/bus-error-${process.pid}`], 'SIGBUS', 2],
  ['divide-by-zero', [], 'SIGFPE', process.arch === 'x64' ? 1 : SI_TKILL],
  ['illegal-instruction', [], 'SIGILL', process.arch === 'x64' ? 2 : 1],
  ['trap', [], 'SIGTRAP', process.arch === 'x64' ? SI_KERNEL : 1],
  ['seccomp-sigsys', [], 'SIGSYS', 1],
  ['crash-in-handler', [], 'SIGSEGV', 1],
  ['dlopen-library', [], 'SIGSEGV', 1],
  ['constructor-crash', [], 'SIGSEGV', 1],
  ['out-of-descriptors', [], 'SIGSEGV', 1],
  ['out-of-descriptors', ['hard'], 'SIGSEGV', 1],
  ['out-of-descriptors', ['closed'], 'SIGSEGV', 1],
];

describe.each(runnable)('a crash of an %s program', (arch) => {
  describe.each(crashes)('%s %j', (name, args, signal, siCode) => {
    it('sends the 20 bytes, awaits the ack and dies by its own signal', async () => {
      const daemon = await listen('hold');
      const program = start(arch, name, args, daemon);
      const knock = await daemon.knock(0);

      const expected = Buffer.alloc(20);
      expected.writeInt32LE(0, 0);
      expected.writeInt32LE(program.pid, 4);
      if (name === 'abort-message') expected.writeBigUInt64LE(knock.abortMessageAddress, 8);
      expected.writeInt32LE(siCode, 16);
      expect(knock.bytes.toString('hex')).toBe(expected.toString('hex'));

      await program.asleep(program.pid);
      expect(program.alive()).toBe(true);
      knock.acknowledge();
      expect(await program.ended).toBe(signal);
      expect(daemon.knocks).toHaveLength(1);
    });

    it('dies by its own signal when it is refused', async () => {
      const daemon = await listen('refuse');
      expect(await start(arch, name, args, daemon).ended).toBe(signal);
      expect(daemon.knocks).toHaveLength(1);
    });

    it('dies by its own signal where there is no daemon', async () => {
      expect(await start(arch, name, args).ended).toBe(signal);
    });
  });

  it('reports each of two children without descriptors that share the one that their parent has reserved', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'out-of-descriptors', ['forked'], daemon);
    expect(await program.ended).toBe(111);
    const children = [...program.output.matchAll(/^child (\d+)$/gm)].map(([, pid]) => Number(pid));
    expect(children).toHaveLength(2);
    expect(daemon.knocks.map(({ tid }) => tid)).toEqual(children);
  });

  it.each(['SIGSEGV', 'SIGSTKFLT', 'SIGTRAP', 'SIGABRT'] as const)('reports %s sent from outside', async (signal) => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'external-kill', [], daemon);
    await program.said(/^ready$/m);
    program.signal(signal);
    const knock = await daemon.knock(0);
    expect([knock.action, knock.tid, knock.originalSiCode]).toEqual([0, program.pid, SI_USER]);
    expect(await program.ended).toBe(signal);
  });

  it('leaves other signals alone', async () => {
    const daemon = await listen('acknowledge');
    const program = start(arch, 'external-kill', [], daemon);
    await program.said(/^ready$/m);
    program.signal('SIGTERM');
    expect(await program.ended).toBe('SIGTERM');
    expect(daemon.knocks).toHaveLength(0);
  });

  it('changes nothing for a program that does not crash', async () => {
    const program = start(arch, 'external-kill');
    await program.said(/^ready$/m);
    program.closeInput();
    expect(await program.ended).toBe(0);
  });
});
