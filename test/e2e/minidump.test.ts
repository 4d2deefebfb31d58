/** What the daemon's minidumps hold: every stream, within the cap, and no more of a user's data than is allowed. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { type Architecture, architectures, hostArchitecture, missingFor } from './architecture.js';
import { daemonForAll } from './daemon.js';
import { start } from './target.js';

const i386 = architectures.i386;
const runnable = [hostArchitecture, ...(process.arch === 'x64' && missingFor(i386) === null ? [i386] : [])];
const open = (path: string): Minidump => Minidump.open(readFileSync(path));

function pointerAt(dump: Minidump, address: number): bigint {
  const bytes = Buffer.alloc(8);
  expect(dump.memory.read(address, bytes.subarray(0, dump.wordSize))).toBe(dump.wordSize);
  return bytes.readBigUInt64LE();
}

describe('the minidump of a crash', () => {
  const daemon = daemonForAll();

  it.each(runnable)('has every stream ($name)', async (architecture: Architecture) => {
    const target = start('many-threads', ['3'], {
      daemon: daemon(),
      architecture,
      env: { SECRET: 'of-the-environment' },
    });
    await target.said(/ready/);
    const proc = (name: string) => readFileSync(`/proc/${target.pid}/${name}`, 'utf8');
    const [limits, cgroup] = [proc('limits'), proc('cgroup')];
    const links = readdirSync(`/proc/${target.pid}/fd`).map((fd) => [
      Number(fd),
      readlinkSync(`/proc/${target.pid}/fd/${fd}`),
    ]);
    target.process.stdin.write('x');
    const { path } = await daemon().tombstoneOf(target.pid);
    const dump = open(`${path}.dmp`);

    expect(dump.problems).toEqual([]);
    expect(dump.softErrors).toEqual([]);
    expect(dump.text(StreamType.mozLinuxLimits)).toBe(limits);
    expect(dump.text(StreamType.debuggerdCgroup)).toBe(cgroup);
    // The handler adds its connection to the daemon.
    const handles = dump.handles!.map(({ handle, objectName }) => [handle, objectName]);
    expect(handles).toEqual(expect.arrayContaining(links));
    expect(dump.handles!.find(({ handle }) => handle === 0)).toMatchObject({
      typeName: expect.stringMatching(/^(Socket|Pipe)$/),
    });
    expect(dump.memoryInfo!.map(({ base, size }) => [base, base + size])).toEqual(
      dump.maps!.map(({ start, end }) => [start, end]),
    );
    expect(dump.systemInfo).toMatchObject({
      cpuCount: cpus().length,
      osText: expect.stringMatching(/^Linux \S+ #.* \S+$/),
    });
    const { miscInfo } = dump;
    expect(miscInfo).toMatchObject({ pid: target.pid, buildString: dump.systemInfo!.osText });
    expect(miscInfo!.debugBuildString).toMatch(/^debuggerd \d+\.\d+\.\d+ \(linux; \w+\)$/);
    expect(Math.abs(miscInfo!.times!.createTime - statSync(path).mtimeMs / 1000)).toBeLessThan(60);
    for (const type of [
      StreamType.linuxCpuInfo,
      StreamType.linuxProcStatus,
      StreamType.linuxCmdline,
      StreamType.linuxAuxv,
    ])
      expect(dump.entry(type)!.size).toBeGreaterThan(0);
    if (existsSync('/etc/os-release')) expect(dump.entry(StreamType.linuxLsbRelease)!.size).toBeGreaterThan(0);
    expect(dump.entry(StreamType.linuxEnviron)).toBeNull();
    expect(readFileSync(`${path}.dmp`).includes('of-the-environment')).toBe(false);
    expect(dump.unloadedModules).toBeNull();
  });

  it.each(runnable)('lists the modules and what the linker calls them ($name)', async (architecture: Architecture) => {
    const target = start('dlopen-library', [], { daemon: daemon(), architecture });
    const { path } = await daemon().tombstoneOf(target.pid);
    const dump = open(`${path}.dmp`);
    const [main, ...others] = dump.modules!;
    expect(main!.name).toBe(join(architecture.programs, 'dlopen-library'));
    expect(others.map(({ base }) => base)).toEqual(others.map(({ base }) => base).sort((a, b) => a - b));
    for (const { name, buildId } of dump.modules!) expect(`${name} ${buildId}`).toMatch(/ [0-9a-f]{40}$/);
    const names = others.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
    expect(names).toEqual(expect.arrayContaining(['libc.so.6', 'libcrashing.so', 'linux-gate.so']));
    expect(new Set(names).size).toBe(names.length);
    // The library that was opened at run time too, whose entry lies on the heap.
    const listed = dump.dsoDebug!.linkMap.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
    expect(listed).toEqual(expect.arrayContaining(['', 'libc.so.6', 'libcrashing.so']));
    for (const { address, dynamic, name } of dump.dsoDebug!.linkMap) {
      const module = dump.modules!.find(({ base, size }) => dynamic >= base && dynamic < base + size);
      expect(module, name).toBeDefined();
      expect(module!.base, name).toBe(address);
    }
  });

  it('keeps all of an overflowed stack: debuggers walk to who began the recursion', async () => {
    const target = start('stack-overflow', [], { daemon: daemon() });
    const { path } = await daemon().tombstoneOf(target.pid);
    const dump = open(`${path}.dmp`);
    const { start: from, end } = dump.maps!.find(({ name }) => name === '[stack]')!;
    expect(end - from).toBeGreaterThan(1024 * 1024);
    const stack = dump.threads![0]!.stack!;
    expect([stack.address, stack.size]).toEqual([from, end - from]);
    // The program's name, the last thing on its stack (execve's copy_strings).
    const base = Buffer.alloc(4096);
    expect(dump.memory.read(end - base.length, base)).toBe(base.length);
    expect(base.toString('latin1')).toContain('/stack-overflow\0');
    pointerAt(dump, end - 16);
  });
});

describe('a small cap', () => {
  const cap = 1024 * 1024;
  // So many frames take a machine under load more than the usual ten seconds.
  const daemon = daemonForAll({ dump_bytes: cap, deadline: 100 });

  it('is kept with hundreds of threads and their stacks; the crashed one comes first', async () => {
    const target = start('many-threads', ['300', '60'], { daemon: daemon() });
    await target.said(/ready/);
    target.process.stdin.write('x');
    const { path, tombstone } = await daemon().tombstoneOf(target.pid);
    expect(statSync(`${path}.dmp`).size).toBeLessThanOrEqual(cap);
    const dump = open(`${path}.dmp`);
    expect(dump.problems).toEqual([]);
    const [crashed, ...others] = dump.threads!;
    expect(crashed!.tid).toBe(target.pid);
    const top = dump.maps!.find(({ name }) => name === '[stack]')!.end;
    expect(crashed!.stack!.address + crashed!.stack!.size).toBe(top);
    expect(others).toHaveLength(300);
    expect(dump.softErrors!.map(({ message }) => message).join('\n')).toMatch(/the dump is full/);
    expect(dump.reportJson).not.toBeNull();
    const names = tombstone.threads[0]!.frames.map(({ fn }) => fn);
    expect(names.slice(0, 3)).toEqual(['fault_on_order', 'wait_for_orders', 'main']);
  });
});

describe('the environment', () => {
  const daemon = daemonForAll({ environ: true });

  it('is there where it is configured', async () => {
    const target = start('null-write', [], { daemon: daemon(), env: { SECRET: 'of-the-environment' } });
    const { path } = await daemon().tombstoneOf(target.pid);
    expect(open(`${path}.dmp`).environment).toContain('SECRET=of-the-environment');
  });
});

describe('redaction', () => {
  const secret = 'the-quick-brown-fox-jumps-over-the-lazy-dog';
  const [open_, redacted] = [daemonForAll(), daemonForAll({ sanitize_stacks: true })];

  async function crash(daemon: ReturnType<typeof open_>) {
    const target = start('secret-keeper', [], { daemon });
    await target.said(/ready/);
    target.process.stdin.write(`${secret}\n`);
    return daemon.tombstoneOf(target.pid);
  }

  it('leaves nothing of what a user typed, and the frames as they are', async () => {
    const [before, after] = await Promise.all([crash(open_()), crash(redacted())]);
    const pieces = secret.match(/.{8}/g)!;
    const found = (path: string) => pieces.filter((piece) => readFileSync(path).includes(piece));
    expect(found(`${before.path}.dmp`)).toEqual(pieces);
    expect(found(`${after.path}.dmp`)).toEqual([]);
    const names = ({ tombstone }: typeof after) => tombstone.threads[0]!.frames.map(({ fn }) => fn);
    expect(names(after)).toEqual(names(before));
    expect(names(after).slice(0, 3)).toEqual(['fault_with_secret', 'keep_secret', 'main']);
    expect(after.text).toMatch(/0defaced/);
    expect(before.text).not.toMatch(/0defaced/);
  });
});
