import { describe, expect, it } from 'vitest';
import { type Arch, built, runnable } from './built.js';
import { listen, run, useStage } from './stage.js';

useStage();

interface Stop {
  tid: number;
  signal: number;
  siginfo: string;
  registers: string;
}

/**
 * Bytes of NT_PRSTATUS (asm/ptrace.h of each CPU) that are left out of the comparison, since the handler's return
 * changes them: orig_rax, orig_eax and orig_r0, of the system call that was interrupted; and on ARM the second byte of
 * pstate and the third of cpsr, where the kernel sets SSBS.
 */
const changed: Partial<Record<Arch, [start: number, end: number][]>> = {
  x86_64: [[120, 128]],
  i386: [[44, 48]],
  arm64: [[265, 266]],
  arm: [
    [66, 67],
    [68, 72],
  ],
};

function parseStops(output: string, arch: Arch): Stop[] {
  return [...output.matchAll(/^stop (\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+)$/gm)].map((match) => {
    const [, tid, signal, siginfo = '', registers = ''] = match;
    const compared = Buffer.from(registers, 'hex');
    for (const [start, end] of changed[arch] ?? []) compared.fill(0, start, end);
    return { tid: Number(tid), signal: Number(signal), siginfo, registers: compared.toString('hex') };
  });
}

describe.each(runnable)('what a tracer sees after the ack, %s', (arch) => {
  it.each([
    ['null-write', ['nowhere'], 11],
    ['null-call', [], 11],
    ['planted-registers', [], 11],
    ['stack-overflow', ['thread'], 11],
    ['thread-of-twenty', [], 11],
    ['crash-in-handler', [], 11],
    ['trap', [], 5],
    ['illegal-instruction', [], 4],
    ['divide-by-zero', [], 8],
    ['abort-message', [], 6],
    ['seccomp-sigsys', [], 31],
  ])('%s %j: the signal again, with the siginfo and the registers of the crash', async (name, args, signal) => {
    const files = built(arch);
    const daemon = await listen('acknowledge');
    const program = run(files.own('watch-signals'), [files.program(name), ...args], {
      library: files.library,
      socket: daemon.name,
    });
    expect(await program.ended).toBe(0);
    expect(program.output).toMatch(new RegExp(`^killed ${signal}$`, 'm'));
    expect(daemon.knocks).toHaveLength(1);

    const stops = parseStops(program.output, arch);
    expect(stops).toHaveLength(2);
    expect(stops[0]?.signal).toBe(signal);
    expect(stops[0]?.registers).not.toMatch(/^0*$/);
    expect(stops[1]).toEqual(stops[0]);
    expect(stops[0]?.tid).toBe(daemon.knocks[0]?.tid);
  });

  it('the crash first, though a lower signal is pending whose handler would move the registers', async () => {
    const files = built(arch);
    const daemon = await listen('hold');
    const program = run(files.own('watch-signals'), [files.program('pending-signal')], {
      library: files.library,
      socket: daemon.name,
    });
    const knock = await daemon.knock(0);
    program.closeInput();
    await program.said(/^sent$/m);
    knock.acknowledge();
    await program.ended;
    expect(program.output).toMatch(/^killed 6$/m);
    const stops = parseStops(program.output, arch);
    expect(stops).toHaveLength(2);
    expect(stops[1]).toEqual(stops[0]);
  });
});
