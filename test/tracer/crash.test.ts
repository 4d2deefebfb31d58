import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { loadAddon } from '../../src/platform/addon.js';
import type { CaptureJob } from '../../src/wire/job.js';
import { hostArch, runnable } from '../client/built.js';
import { start, useStage } from '../client/stage.js';
import { compile } from './compile.js';
import { CrashListener, type Knock } from './crash-listener.js';
import { contextOf, namesOf } from './dump-reading.js';
import { TracerProcess } from './tracer-process.js';

useStage();

const addon = loadAddon();
let tracer: TracerProcess;
let listener: CrashListener;
beforeAll(async () => {
  tracer = await TracerProcess.start();
  listener = new CrashListener();
});
afterAll(async () => {
  listener.close();
  await tracer.stop();
});

function jobOf({ peer, tid, abortMessageAddress, originalSiCode }: Knock, more: Partial<CaptureJob> = {}) {
  const { pid, uid, gid } = peer;
  return { kind: 'crash' as const, pid, tid, uid, gid, abortMessageAddress, originalSiCode, ...more };
}

describe('a crashing process', () => {
  it.each(runnable)('has the registers of the fault (%s)', async (arch) => {
    const program = start(arch, 'planted-registers', [], listener);
    const knock = await listener.next();
    const { dump, captured } = await tracer.capture(jobOf(knock), knock.fd);
    expect(await program.ended).toBe('SIGSEGV');

    const table = byName(arch === 'i386' ? 'x86' : arch);
    const registers = contextOf(dump, table, program.pid);
    const planted = [...program.output.matchAll(/^register (\S+) ([0-9a-f]+)$/gm)];
    expect(planted.length).toBeGreaterThan(6);
    for (const [, name, digits] of planted)
      expect(`${name} ${registers[name!]!.toString(16)}`).toBe(`${name} ${digits}`);
    expect(dump.exception).toMatchObject({ tid: program.pid, code: 11, flags: 1, address: 0xdead0n });
    expect(dump.siginfo).toHaveLength(128);
    expect(dump.info).toMatchObject({
      kind: 'crash',
      pid: program.pid,
      tid: program.pid,
      signalStop: true,
      originalSiCode: 1,
    });
    expect(dump.rawRegisters!.get(program.pid)).toHaveLength(table.prstatusSize);
    expect(captured.signal).toBe(11);
    expect(dump.softErrors).toEqual([]);
    // The control words of the floating-point unit as every program begins with them: mxcsr, x87's.
    const context = Buffer.from(dump.threadContext(dump.threads![0]!)!);
    if (arch === 'x86_64') expect([context.readUInt32LE(52), context.readUInt32LE(256 + 24)]).toEqual([0x1f80, 0x1f80]);
    if (arch === 'i386') expect(context.readUInt32LE(28) & 0xffff).toBe(0x37f);
    // Code around the pc.
    const code = Buffer.alloc(16);
    expect(dump.memory.read(Number(registers[table.registers[table.pc]!.name]), code)).toBe(16);
    expect(code.some((byte) => byte !== 0)).toBe(true);
  });

  it('dies by its own signal', async () => {
    for (const [name, signal, number, ...args] of [
      ['abort-message', 'SIGABRT', 6],
      ['divide-by-zero', 'SIGFPE', 8],
      ['trap', 'SIGTRAP', 5],
      ['illegal-instruction', 'SIGILL', 4],
      ['bus-error', 'SIGBUS', 7, join(tmpdir(), `debuggerd-bus-${process.pid}`)],
      ['seccomp-sigsys', 'SIGSYS', 31],
    ] as const) {
      const program = start(hostArch, name, args, listener);
      const knock = await listener.next();
      const { dump, captured } = await tracer.capture(jobOf(knock), knock.fd);
      expect(await program.ended).toBe(signal);
      expect(captured.signal).toBe(number);
      expect(dump.exception!.code).toBe(number);
    }
  });

  it.each(runnable)('leaves its abort message (%s)', async (arch) => {
    start(arch, 'assert-message', [], listener);
    const knock = await listener.next();
    const { dump } = await tracer.capture(jobOf(knock), knock.fd);
    expect(knock.abortMessageAddress).not.toBe(0);
    expect(dump.abortMessage).toMatch(/Assertion .* failed/);
  });

  it('may name any address for its abort message', async () => {
    for (const abortMessageAddress of [1, 0xdead0, 2 ** 47 - 8, 2 ** 52, 2 ** 63, 1e19]) {
      start(hostArch, 'null-write', [], listener);
      const knock = await listener.next();
      const { dump } = await tracer.capture(jobOf(knock, { abortMessageAddress }), knock.fd);
      expect(dump.abortMessage).toBeNull();
      expect(dump.threads).toHaveLength(1);
    }
  });

  it('is copied with its siblings', async () => {
    const program = start(hostArch, 'thread-of-twenty', [], listener);
    const knock = await listener.next();
    const { dump } = await tracer.capture(jobOf(knock), knock.fd);
    expect(await program.ended).toBe('SIGSEGV');
    expect(dump.threads!.length).toBeGreaterThan(19);
    expect(dump.threads![0]!.tid).toBe(knock.tid);
    expect(dump.threads![0]!.tid).not.toBe(program.pid);
    const others = dump.threads!.slice(1).map(({ tid }) => tid);
    expect(others).toEqual([...others].sort((a, b) => a - b));
    expect(dump.threads!.every(({ context, stack }) => context !== null && stack !== null)).toBe(true);
    expect(namesOf(dump)).toHaveLength(dump.threads!.length);
  });

  it('is held until the release when asked so', async () => {
    const program = start(hostArch, 'thread-of-twenty', [], listener);
    const knock = await listener.next();
    const id = tracer.request(jobOf(knock, { hold: true }), knock.fd);
    await tracer.copy(id);
    expect(program.alive()).toBe(true);
    tracer.send({ type: 'release', id: id + 1 });
    tracer.send({ type: 'release', id });
    await tracer.released(id);
    expect(await program.ended).toBe('SIGSEGV');
  });

  it.each([
    ['all', 64, 1],
    ['both ends, where there is no room for more,', 4, 0],
  ])('keeps %s of a stack that has overflowed', async (_what, mebibytes, ofTheMiddle) => {
    const program = start(hostArch, 'stack-overflow', [], listener);
    const knock = await listener.next();
    const limits = { stackBytes: 64 * 1024, dumpBytes: mebibytes * 1024 * 1024 };
    const { dump } = await tracer.capture(jobOf(knock, { limits }), knock.fd);
    expect(await program.ended).toBe('SIGSEGV');
    const table = byName('x86_64');
    const sp = Number(contextOf(dump, table, program.pid).rsp);
    const stack = dump.maps!.find(({ name }) => name === '[stack]')!;
    const own = dump.threads![0]!.stack!;
    // The fault came from a push or a call at the very end, below which nothing is mapped.
    expect(sp).toBeLessThan(stack.start + 64 * 1024);
    expect(own.address).toBeGreaterThanOrEqual(stack.start);
    expect(own.address + own.size).toBeGreaterThan(sp);
    const bottom = Buffer.alloc(16 * 1024);
    expect(dump.memory.read(stack.end - bottom.length, bottom)).toBe(bottom.length);
    expect(dump.memory.read((stack.start + stack.end) / 2, Buffer.alloc(1))).toBe(ofTheMiddle);
  });

  it('may stand on an alternate stack: what the signal interrupted is copied too', async () => {
    const program = start(hostArch, 'crash-in-handler', [], listener);
    const knock = await listener.next();
    const { dump } = await tracer.capture(jobOf(knock), knock.fd);
    expect(await program.ended).toBe('SIGSEGV');
    const sp = Number(contextOf(dump, byName('x86_64'), program.pid).rsp);
    const stack = dump.maps!.find(({ name }) => name === '[stack]')!;
    const word = Buffer.alloc(8);
    expect(dump.memory.read(stack.end - 512, word)).toBe(8);
    expect(dump.memory.read(sp, word)).toBe(8);
  });

  it('gets other signals first when they come first', async () => {
    const program = start(hostArch, 'ignores-signals', ['ignore'], listener);
    const knock = await listener.next();
    program.signal('SIGUSR1');
    program.signal('SIGWINCH');
    const { captured } = await tracer.capture(jobOf(knock), knock.fd);
    expect(await program.ended).toBe('SIGSEGV');
    expect(captured.signal).toBe(11);
  });

  it('may be stopped by job control on its way', async () => {
    const program = start(hostArch, 'null-write', [], listener);
    const knock = await listener.next();
    program.signal('SIGSTOP');
    const { captured } = await tracer.capture(jobOf(knock), knock.fd);
    expect(captured.signal).toBe(11);
    expect(await program.ended).toBe('SIGSEGV');
  });

  it('may be killed while its signal is awaited', async () => {
    const program = start(hostArch, 'thread-of-twenty', [], listener);
    const knock = await listener.next();
    // No client socket, no ack byte: the thread stays in its handler.
    const id = tracer.request(jobOf(knock));
    await attached(knock);
    program.signal('SIGKILL');
    expect(await program.ended).toBe('SIGKILL');
    const { message } = await tracer.next();
    expect(message).toMatchObject({ type: 'capture-failed', reason: expect.stringMatching(/killed by signal 9/) });
    await tracer.released(id);
  });

  it('may be killed when its main thread is the one: nobody waits for it longer than that', async () => {
    const program = spawn(compile('reporter'), [listener.name, 'killed'], { stdio: 'ignore' });
    const ended = once(program, 'exit');
    const knock = await listener.next();
    const id = tracer.request(jobOf(knock, { deadlineMs: 600_000 }), knock.fd);
    await attached(knock);
    program.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect((await tracer.next()).message).toMatchObject({ type: 'capture-failed' });
    expect(await tracer.released(id)).toEqual({ type: 'released', id });
  });

  it('may become another program whose thread has another id: it is let go with the tracer', async () => {
    const mortal = await TracerProcess.start();
    const program = spawn(compile('reporter'), [listener.name, 'exec'], { stdio: 'ignore' });
    const ended = once(program, 'exit');
    const knock = await listener.next();
    expect(knock.tid).not.toBe(program.pid);
    const id = mortal.request(jobOf(knock, { deadlineMs: 600_000 }), knock.fd);
    expect((await mortal.next()).message).toMatchObject({ type: 'capture-failed' });
    expect(await mortal.released(id)).toMatchObject({ ending: true });
    await mortal.exited;
    expect(statusOf({ ...knock, tid: program.pid! })).toMatch(/^Name:\tsleep$[\s\S]*^TracerPid:\t0$/m);
    program.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await mortal.stop();
  });

  it('goes on, and dies, when its signal does not come in time', async () => {
    const program = start(hostArch, 'thread-of-twenty', [], listener);
    const knock = await listener.next();
    expect(await tracer.refusal(jobOf(knock, { deadlineMs: 50 }))).toMatch(/no fatal signal came in time/);
    expect(statusOf(knock)).toMatch(/^TracerPid:\t0$/m);
    addon.sendMessage(knock.fd, Buffer.of(0));
    expect(await program.ended).toBe('SIGSEGV');
  });

  it('is let go when the tracer is killed', async () => {
    const mortal = await TracerProcess.start();
    const program = start(hostArch, 'thread-of-twenty', [], listener);
    const knock = await listener.next();
    const id = mortal.request(jobOf(knock, { hold: true }), knock.fd);
    await mortal.copy(id);
    mortal.kill();
    expect(await program.ended).toBe('SIGSEGV');
    await mortal.stop();
  });
});

async function attached(knock: Knock): Promise<void> {
  while (!/^TracerPid:\t[1-9]/m.test(statusOf(knock))) await new Promise((resolve) => setImmediate(resolve));
}

function statusOf({ peer, tid }: Knock): string {
  try {
    return readFileSync(`/proc/${peer.pid}/task/${tid}/status`, 'utf8');
  } catch {
    return '';
  }
}
