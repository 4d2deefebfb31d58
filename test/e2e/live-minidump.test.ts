/** `debuggerd -m`: minidumps of processes that go on, small and with all memory. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { debuggerd, stateOf, writtenPath } from './command-line.js';
import { daemonForAll, program } from './daemon.js';
import { withMappedFiles } from './sysroot.js';
import { start, type Target } from './target.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];
const open = (path: string): Minidump => Minidump.open(readFileSync(path));

describe('a minidump of a live process', () => {
  const daemon = daemonForAll();
  const targets: Target[] = [];
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'live-minidump-'));
  });
  afterEach(() => Promise.all(targets.splice(0).map((target) => target.kill())));
  afterAll(() => rmSync(dir, { recursive: true }));

  async function live(name = 'live', args: string[] = [], architecture: Architecture = hostArchitecture) {
    const target = start(name, args, { architecture });
    targets.push(target);
    await target.said(/ready/);
    return target;
  }

  const ask = (...args: string[]) => debuggerd('--socket', daemon().socket, ...args);

  /** Nothing of us is in the process, and it has no children that it has not made. */
  function expectUntouched({ pid }: Target): void {
    for (const tid of readdirSync(`/proc/${pid}/task`).map(Number)) {
      expect(stateOf(tid)).toEqual({ state: 'S', tracer: 0 });
      expect(readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8')).toBe('');
    }
  }

  it('is written to a new file of its asker', async () => {
    const target = await live();
    const file = join(dir, 'small.dmp');
    expect(await ask('-m', String(target.pid), file)).toEqual({
      status: 0,
      stdout: '',
      stderr: `Minidump written to: ${file}\n`,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const dump = open(file);
    expect(dump.threads!.map(({ tid }) => dump.threadNames!.get(tid)).slice(0, 2)).toEqual(['live', 'acceptor']);
    expect(dump.info).toMatchObject({ kind: 'tombstone', pid: target.pid, signalStop: false });
    expect(dump.reportJson).not.toBeNull();
    expect(dump.memory64List).toBeNull();
    expectUntouched(target);
  });

  it('has a name of its own where none is given, and leaves alone what is there', async () => {
    const target = await live();
    const from = process.cwd();
    const run = () =>
      execFileSync(program, ['--socket', daemon().socket, '-m', String(target.pid)], { cwd: dir, stdio: 'pipe' });
    run();
    expect(process.cwd()).toBe(from);
    const file = join(dir, `${target.pid}.dmp`);
    const before = readFileSync(file);
    expect(run).toThrow(/it is there already/);
    expect(readFileSync(file)).toEqual(before);
    const link = join(dir, 'link.dmp');
    symlinkSync(join(dir, 'elsewhere'), link);
    expect(await ask('-m', String(target.pid), link)).toMatchObject({ status: 1, stdout: '' });
    expect(existsSync(join(dir, 'elsewhere'))).toBe(false);
  });

  it('goes to stdout on request', async () => {
    const target = await live();
    const args = ['--socket', daemon().socket, '-m', String(target.pid), '-'];
    const bytes = execFileSync(program, args, { stdio: 'pipe', maxBuffer: 64 << 20 });
    expect(Minidump.open(bytes).threads).toHaveLength(7);
  });

  it('is for root alone, like a tombstone', async () => {
    const target = await live();
    const code = `require('node:child_process').execFileSync(${JSON.stringify(program)}, ${JSON.stringify([
      '--socket',
      daemon().socket,
      '-m',
      String(target.pid),
      '-',
    ])}, {stdio: 'pipe'})`;
    const run = () => execFileSync(process.execPath, ['-e', code], { uid: 1234, gid: 1234, cwd: '/', stdio: 'pipe' });
    if (process.getuid?.() === 0) expect(run).toThrow(/Only root may ask for tombstones and minidumps/);
  });

  it('leaves no file behind where nothing can be written', async () => {
    const file = join(dir, 'none.dmp');
    expect(await ask('-m', '4194303', file)).toMatchObject({ status: 1, stderr: expect.stringMatching(/^.*\n$/) });
    expect(existsSync(file)).toBe(false);
  });

  it.each(runnable.flatMap((architecture) => [[], ['--no-fork']].map((options) => ({ ...architecture, options }))))(
    'has all memory with --full ($name $options)',
    async ({ options, ...architecture }) => {
      const target = await live('many-threads', ['20', '5'], architecture);
      const file = join(dir, `full-${architecture.name}${options.join('')}.dmp`);
      const { status, stderr } = await ask('-m', '--full', ...options, String(target.pid), file);
      expect([status, stderr]).toEqual([0, `Minidump written to: ${file}\n`]);
      const dump = open(file);
      expect(dump.problems).toEqual([]);
      expect(dump.softErrors).toEqual([]);
      const ranges = dump.memory64List!;
      expect(ranges.at(-1)!.rva + ranges.at(-1)!.size).toBe(statSync(file).size);
      // What nobody has changed since: the program's file as it is mapped, and its data.
      for (const { start: from, end, perms, name } of dump.maps!.filter(({ name }) => name.endsWith('many-threads'))) {
        const [there, copied] = [Buffer.alloc(end - from), Buffer.alloc(end - from)];
        if (perms[0] !== 'r') continue;
        expect(dump.memory.read(from, copied), name).toBe(copied.length);
        expect(readMemory(target.pid, from, there)).toBe(there.length);
        expect(copied.equals(there), `${from.toString(16)} ${perms}`).toBe(true);
      }
      const heap = dump.maps!.find(({ name }) => name === '[heap]')!;
      expect(dump.memory.read(heap.start, Buffer.alloc(4096))).toBe(4096);
      for (const { stack } of dump.threads!)
        expect(dump.memory.read(stack!.address, Buffer.alloc(stack!.size))).toBe(stack!.size);
      expectUntouched(target);
      if (process.arch === 'x64') expect(daemon().log()).not.toMatch(/forked copy/);
    },
  );

  it.each(runnable)('of all memory leaves alone what a busy thread computes ($name)', async (architecture) => {
    const target = await live('spinner', [], architecture);
    const file = join(dir, `spinner-${architecture.name}.dmp`);
    for (let i = 0; i < 3; i++) {
      const { status, stderr } = await ask('-m', '--full', String(target.pid), file);
      expect([status, stderr]).toEqual([0, `Minidump written to: ${file}\n`]);
      rmSync(file);
    }
    expect(readFileSync(`/proc/${target.pid}/task/${target.pid}/children`, 'utf8')).toBe('');
    target.process.kill('SIGTERM');
    expect(await target.ended).toBe(0);
    expect(target.output()).toMatch(/^right$/m);
  });

  it('of all memory says why the process stood still where it cannot be made to fork', async () => {
    // A seccomp filter would judge the system call that is not the program's own.
    const target = await live('seccomp-parked');
    const file = join(dir, 'filtered.dmp');
    const { status, stderr } = await ask('-m', '--full', String(target.pid), file);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^debuggerd: forked copy: the process stands still for the copy of all memory: .*(seccomp|made to fork)/,
    );
    expect(open(file).memory64List!.length).toBeGreaterThan(5);
    expectUntouched(target);
  });

  it('of all memory does not end a sleep, nor lose a signal', async () => {
    const target = await live('sleeper');
    const file = join(dir, 'sleeper.dmp');
    for (let i = 0; i < 4; i++) {
      expect((await ask('-m', '--full', String(target.pid), file)).status).toBe(0);
      rmSync(file);
    }
    process.kill(target.pid, 'SIGUSR1');
    expect(await target.ended).toBe(0);
    expect(target.output()).toMatch(/^handled 1$/m);
    expect(target.output()).toMatch(/^interrupted 1$/m);
  });
});

describe('the tombstone of a live process', () => {
  const daemon = daemonForAll();

  it.each(runnable)('comes out of its minidump line for line, unwound again or not ($name)', async (architecture) => {
    const target = start('live', [], { architecture });
    await target.said(/ready/);
    const path = writtenPath(await debuggerd('--socket', daemon().socket, String(target.pid)));
    await target.kill();
    const written = readFileSync(path, 'utf8');
    expect((await debuggerd('engrave', `${path}.dmp`)).stdout).toBe(written);
    const unwind = ['engrave', '--unwind', '--sysroot'];
    const again = await withMappedFiles(`${path}.dmp`, (sysroot) => debuggerd(...unwind, sysroot, `${path}.dmp`));
    expect(again.stdout).toBe(written);
  });
});

function readMemory(pid: number, address: number, into: Buffer): number {
  // The shell's view of the same: nothing of ours in between.
  const bytes = execFileSync(
    'dd',
    [`if=/proc/${pid}/mem`, 'bs=4096', `skip=${address / 4096}`, `count=${into.length / 4096}`],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 << 20,
    },
  );
  return bytes.copy(into);
}
