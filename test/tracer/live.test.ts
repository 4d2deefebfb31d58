import {
  copyFileSync,
  fstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { loadAddon } from '../../src/platform/addon.js';
import { built, hostArch, runnable } from '../client/built.js';
import { run, start, useStage } from '../client/stage.js';
import { compile } from './compile.js';
import { contextOf, namesOf } from './dump-reading.js';
import { TracerProcess } from './tracer-process.js';

useStage();

const addon = loadAddon();
let tracer: TracerProcess;
beforeAll(async () => {
  tracer = await TracerProcess.start();
});
afterAll(() => tracer.stop());

function status(pid: number, tid = pid): string {
  return readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
}

/** That nothing of the capture is left in the process. */
function expectUntouched(pid: number): void {
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const text = status(pid, Number(tid));
    expect(text).toMatch(/^TracerPid:\t0$/m);
    expect(text).toMatch(/^State:\t[SRD]/m);
    expect(text).toMatch(/^SigPnd:\t0+$/m);
  }
}

function numberAfter(output: string, word: string): number {
  return Number(new RegExp(`^${word} (\\S+)$`, 'm').exec(output)![1]);
}

/** What these tests do to the target's users and namespaces needs root. */
const isRoot = process.getuid?.() === 0;

describe('a live process', () => {
  it.each(runnable)('is copied thread by thread and goes on (%s)', async (arch) => {
    const program = start(arch, 'live');
    await program.said(/ready/);
    const maps = readFileSync(`/proc/${program.pid}/maps`, 'utf8');
    const { dump, captured, seals } = await tracer.capture({ pid: program.pid });
    expectUntouched(program.pid);
    program.closeInput();
    expect(await program.ended).toBe(0);

    expect(namesOf(dump)).toEqual(['live', 'acceptor', 'worker-1', 'worker-2', 'worker-3', 'worker-4', 'logger']);
    expect(dump.threads!.map(({ tid }) => tid).slice(1)).toEqual(
      [...program.output.matchAll(/^tid \S+ (\d+)$/gm)].map(([, tid]) => Number(tid)),
    );
    const table = byName(arch === 'i386' ? 'x86' : arch);
    expect(dump.systemInfo!.architecture).toBe(table.minidumpArch);
    for (const { tid, stack } of dump.threads!) {
      const sp = Number(contextOf(dump, table, tid)[table.registers[table.sp]!.name]);
      const mapping = dump.maps!.find(({ start, end }) => sp >= start && sp < end)!;
      expect(stack!.address).toBeLessThanOrEqual(sp - table.redZone);
      expect(stack!.address + stack!.size).toBe(mapping.end);
    }
    expect(dump.text(StreamType.linuxMaps)).toBe(maps);
    expect(dump.commandLine![0]).toMatch(/live$/);
    expect(dump.auxv!.find(({ type }) => type === 9)!.value).toBeGreaterThan(0n);
    expect(dump.text(StreamType.linuxProcStatus)).toMatch(/^Name:\tlive$/m);
    expect(dump.text(StreamType.linuxCpuInfo)).toMatch(/^processor\s*:/m);
    expect(dump.systemInfo!.cpuCount).toBe(cpus().length);
    expect(dump.modules![0]!.name).toMatch(/live$/);
    expect(dump.modules!.map(({ name }) => name)).toContain('linux-gate.so');
    expect(dump.info).toMatchObject({
      kind: 'tombstone',
      signalStop: false,
      fingerprint: 'test/machine',
      revision: '7',
    });
    expect(dump.exception!.code).toBe(0xffffffff);
    expect(dump.siginfo).toBeNull();
    expect(dump.miscInfo!.pid).toBe(program.pid);
    expect(dump.softErrors).toEqual([]);
    expect(captured).toMatchObject({ signal: 0, threads: 7, softErrors: [] });
    const { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE } = addon.constants;
    expect(seals).toBe(F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE);
  });

  it('begins with the thread that was asked for', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const tid = Number((await program.said(/tid worker-2 (\d+)/))[1]);
    const { dump } = await tracer.capture({ pid: program.pid, tid, kind: 'backtrace' });
    expect(namesOf(dump).slice(0, 3)).toEqual(['worker-2', 'live', 'acceptor']);
    expect(dump.info).toMatchObject({ kind: 'backtrace', tid, pid: program.pid });
  });

  it('brings the files along: one descriptor for each', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const { dump, files } = await tracer.capture({ pid: program.pid });
    const executable = dump.maps!.filter(({ perms, inode }) => perms[2] === 'x' && inode !== 0);
    expect(files.map(({ path }) => path).sort()).toEqual([...new Set(executable.map(({ name }) => name))].sort());
    for (const { fd, path } of files) {
      const magic = Buffer.alloc(4);
      readSync(fd, magic, 0, 4, 0);
      expect(`${path} ${magic.toString('latin1')}`).toBe(`${path} \x7fELF`);
    }
    // The first page of each, and the vdso, are in the dump itself.
    const head = Buffer.alloc(4);
    for (const { base } of dump.modules!) {
      expect(dump.memory.read(base, head)).toBe(4);
      expect(head.toString('latin1')).toBe('\x7fELF');
    }
  });

  it('gets the ack byte for its asker', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const [own, other] = addon.socketPair('stream');
    await tracer.capture({ pid: program.pid }, other);
    addon.closeFd(other);
    const bytes = Buffer.alloc(8);
    expect(addon.receiveMessage(own, bytes)!.bytes).toBe(1);
    expect(bytes[0]).toBe(0);
    // The tracer has none of it any more when it says that it is done: the last close is not its own.
    expect(addon.receivePlain(own, bytes)).toBe(0);
    addon.closeFd(own);
  });

  it('stays stopped when job control had stopped it', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    program.signal('SIGSTOP');
    while (!/^State:\tT/m.test(status(program.pid))) await new Promise((resolve) => setImmediate(resolve));
    const { dump } = await tracer.capture({ pid: program.pid });
    expect(dump.threads!.every(({ context }) => context !== null)).toBe(true);
    for (const { tid } of dump.threads!) {
      expect(status(program.pid, tid)).toMatch(/^TracerPid:\t0$/m);
      while (!/^State:\tT/m.test(status(program.pid, tid))) await new Promise((resolve) => setImmediate(resolve));
    }
    program.signal('SIGCONT');
    program.closeInput();
    expect(await program.ended).toBe(0);
  });

  it('is held until the release when asked so', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const id = tracer.request({ pid: program.pid, hold: true });
    await tracer.copy(id);
    expect(status(program.pid)).toMatch(/^State:\tt/m);
    tracer.send({ type: 'release', id });
    await tracer.released(id);
    expectUntouched(program.pid);
  });

  it('runs on when the tracer is killed', async () => {
    const mortal = await TracerProcess.start();
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const id = mortal.request({ pid: program.pid, hold: true });
    await mortal.copy(id);
    mortal.kill();
    await mortal.stop();
    expectUntouched(program.pid);
  });

  it.runIf(isRoot)('is told from another process that has its id now', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    expect(await tracer.refusal({ pid: program.pid, uid: 12345 })).toMatch(/expected uid 12345/);
    expect(await tracer.refusal({ pid: program.pid, gid: 12345 })).toMatch(/expected uid 0 gid 12345/);
    expect(await tracer.refusal({ pid: program.pid, tid: process.pid })).toMatch(/no thread of process/);
    expect(await tracer.refusal({ kind: 'crash', pid: program.pid, uid: 12345 })).toMatch(/expected uid 12345/);
    expect(await tracer.refusal({ kind: 'crash', pid: program.pid, tid: process.pid })).toMatch(/no thread of process/);
    expectUntouched(program.pid);
  });

  it.runIf(isRoot)('is not shown to a user who may see its own processes only, unless it is one', async () => {
    const own = run(programPath('live'), [], { uid: 1234, gid: 1234 });
    await own.said(/ready/);
    const asker = { pid: own.pid, uid: 1234, gid: 1234, userNamespace: readlinkSync('/proc/self/ns/user') };
    const job = { pid: own.pid, uid: 1234, gid: 1234, asker, kind: 'backtrace' as const };
    expect((await tracer.capture(job)).captured.threads).toBe(7);
    const roots = start(hostArch, 'live');
    await roots.said(/ready/);
    expect(await tracer.refusal({ ...job, pid: roots.pid })).toMatch(/uid 1234 may not trace process/);
  });

  it('is refused with the name of another tracer', async () => {
    const other = await TracerProcess.start();
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const id = other.request({ pid: program.pid, hold: true });
    await other.copy(id);
    expect(await tracer.refusal({ pid: program.pid })).toMatch(
      new RegExp(`thread ${program.pid}: already traced by ${other.pid} \\(.+\\)`),
    );
    expect(await tracer.refusal({ pid: program.pid, kind: 'crash' })).toMatch(/already traced by/);
    other.send({ type: 'release', id });
    await other.released(id);
    await other.stop();
  });

  it('may be gone', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    await program.kill();
    expect(await tracer.refusal({ pid: program.pid })).toMatch(/is gone/);
    expect(await tracer.refusal({ pid: program.pid, kind: 'crash' })).toMatch(/is gone/);
  });

  it('may have lost its main thread', async () => {
    const program = run(compile('main-thread-gone'), [], {});
    await program.said(/ready/);
    while (!/^State:\tZ/m.test(status(program.pid))) await new Promise((resolve) => setImmediate(resolve));
    const { dump } = await tracer.capture({ pid: program.pid });
    const tid = numberAfter(program.output, 'tid');
    expect(dump.threads!.find((thread) => thread.tid === tid)!.stack).not.toBeNull();
    expect(dump.maps!.length).toBeGreaterThan(5);
    expect(dump.softErrors!.map(({ message }) => message)).toEqual([
      `thread ${program.pid}: has ended, other threads of its process have not`,
    ]);
    program.closeInput();
    expect(await program.ended).toBe(0);
  });

  it('may have a thread that cannot be stopped: the tracer ends to let it go', async () => {
    const mortal = await TracerProcess.start();
    const program = run(compile('vfork-parent'), [], {});
    await program.said(/ready/);
    while (!/^State:\tD/m.test(status(program.pid))) await new Promise((resolve) => setImmediate(resolve));
    const id = mortal.request({ pid: program.pid, tid: numberAfter(program.output, 'tid') });
    const { dump } = await mortal.copy(id);
    expect(await mortal.released(id)).toMatchObject({ ending: true });
    await mortal.exited;
    expect(dump.threads!.map(({ tid, context }) => [tid, context === null])).toEqual([
      [numberAfter(program.output, 'tid'), false],
      [program.pid, true],
    ]);
    expect(dump.softErrors![0]!.message).toMatch(/did not stop within/);
    expect(status(program.pid)).toMatch(/^TracerPid:\t0$/m);
    program.closeInput();
    expect(await program.ended).toBe(0);
    await mortal.stop();
  });

  it.each(['main', 'thread'])('may be inside a handler on an alternate stack (%s)', async (where) => {
    const program = run(compile('alternate-stack'), where === 'main' ? [] : ['thread'], {});
    await program.said(/ready/);
    const tid = numberAfter(program.output, 'tid');
    const { dump } = await tracer.capture({ pid: program.pid, tid });
    const stack = dump.threads![0]!.stack!;
    const handler = numberAfter(program.output, 'handler');
    expect(handler).toBeGreaterThanOrEqual(stack.address);
    expect(handler).toBeLessThan(stack.address + stack.size);
    const word = Buffer.alloc(8);
    expect(dump.memory.read(numberAfter(program.output, 'interrupted'), word)).toBe(8);
    expect(word.readBigUInt64LE()).toBe(0x1ab2c3d4e5f60718n);
  });

  it('may start and end threads all the time', async () => {
    const program = run(compile('churn'), [], {});
    await program.said(/ready/);
    for (let i = 0; i < 20; i++) {
      const { dump, captured } = await tracer.capture({ pid: program.pid });
      expect(captured.threads).toBe(dump.threads!.length);
      expect(dump.threads!.length).toBeGreaterThanOrEqual(5);
      expect(dump.threads![0]).toMatchObject({ tid: program.pid });
      expect(dump.threads!.filter(({ context }) => context === null)).toEqual([]);
    }
    program.closeInput();
    expect(await program.ended).toBe(0);
  });

  it('loses no signal that comes meanwhile', async () => {
    const program = run(compile('queued-signals'), ['20000'], {});
    await program.said(/ready/);
    let captures = 0;
    for (; program.alive() && !/handled/.test(program.output); captures++) {
      const id = tracer.request({ pid: program.pid, kind: 'backtrace' });
      // Anything may come of it when the program ends meanwhile; it is released in any case.
      while ((await tracer.next()).message.type !== 'released');
      expect(id).toBeGreaterThan(0);
    }
    expect(captures).toBeGreaterThan(2);
    expect(await program.ended).toBe(0);
    expect(program.output).toMatch(/^handled 20000$/m);
  });

  it('may have a thousand threads', async () => {
    const program = start(hostArch, 'many-threads', ['1000', '20']);
    await program.said(/ready/);
    const { dump } = await tracer.capture({ pid: program.pid });
    expect(dump.threads).toHaveLength(1001);
    expect(dump.threads!.every(({ context, stack }) => context !== null && stack !== null)).toBe(true);
    expect(new Set(namesOf(dump)).size).toBe(1001);
    expect(dump.softErrors).toEqual([]);
    expectUntouched(program.pid);
    program.closeInput();
    expect(await program.ended).toBe(0);
  });

  it('may be larger than the copy: every stack is cut, and the copy says so', async () => {
    const program = start(hostArch, 'many-threads', ['200', '20']);
    await program.said(/ready/);
    const limits = { stackBytes: 256 * 1024, dumpBytes: 768 * 1024 };
    const { dump, bytes } = await tracer.capture({ pid: program.pid, limits });
    expect(bytes.length).toBeLessThanOrEqual(limits.dumpBytes);
    expect(dump.threads!.filter(({ stack }) => stack !== null)).toHaveLength(201);
    expect(dump.softErrors!.map(({ step }) => step)).toContain('memory');
  });

  it('may have five thousand mappings', async () => {
    const program = start(hostArch, 'many-mappings', ['5000']);
    await program.said(/ready/);
    const { dump } = await tracer.capture({ pid: program.pid });
    expect(dump.maps!.length).toBeGreaterThan(5000);
    expect(dump.threads).toHaveLength(5);
    expect(dump.softErrors).toEqual([]);
  });

  it.runIf(isRoot)('may live in other namespaces', async () => {
    const shell = run('/usr/bin/unshare', ['--fork', '--pid', '--mount-proc', programPath('live')], {});
    await shell.said(/ready/);
    const pid = Number(readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8').trim());
    expect(shell.output).toMatch(/^pid 1$/m);
    const perf = '/tmp/perf-1.map';
    writeFileSync(perf, '1000 10 compiled\n2000 20 more');
    try {
      const { dump, files } = await tracer.capture({ pid });
      expect(namesOf(dump)).toContain('logger');
      expect(files.map(({ path }) => path)).toContain(programPath('live'));
      // Named by the process id that the process knows; whole lines only.
      expect(dump.text(StreamType.debuggerdPerfMap)).toBe('1000 10 compiled\n');
    } finally {
      rmSync(perf);
      process.kill(pid, 'SIGKILL');
    }
  });

  it.runIf(isRoot)('is copied with the files that it has mapped, whatever lies at their paths here', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'debuggerd-mounts-'));
    const real = join(dir, 'real');
    const path = join(dir, 'program');
    try {
      copyFileSync(programPath('live'), real);
      writeFileSync(path, 'something else');
      const script = `mount --bind ${real} ${path} && exec ${path}`;
      const mounted = run('/usr/bin/unshare', ['--mount', '/bin/sh', '-c', script], {});
      await mounted.said(/ready/);
      const deleted = run(real, [], {});
      await deleted.said(/ready/);
      rmSync(real);
      for (const { pid } of [mounted, deleted]) {
        const { files, dump } = await tracer.capture({ pid });
        const program = files.find((file) => file.path.startsWith(dir))!;
        const bytes = Buffer.alloc(fstatSync(program.fd).size);
        readSync(program.fd, bytes, 0, bytes.length, 0);
        expect(bytes.equals(readFileSync(programPath('live')))).toBe(true);
        expect(dump.softErrors).toEqual([]);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('is copied with the tails of logs', async () => {
    const program = start(hostArch, 'live');
    await program.said(/ready/);
    const dir = mkdtempSync(join(tmpdir(), 'debuggerd-logs-'));
    try {
      writeFileSync(join(dir, 'app.log'), Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join(''));
      symlinkSync(join(dir, 'app.log'), join(dir, 'link.log'));
      const { dump } = await tracer.capture({
        pid: program.pid,
        logFiles: ['app.log', 'link.log'].map((name) => join(dir, name)),
      });
      expect(dump.logTails).toEqual([
        { name: 'app.log', lines: Array.from({ length: 50 }, (_, i) => `line ${19_950 + i}`) },
      ]);
      expect(dump.softErrors).toEqual([{ step: 'logs', message: `${join(dir, 'link.log')}: ELOOP` }]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

function programPath(name: string): string {
  return built(hostArch).program(name);
}
