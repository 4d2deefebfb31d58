/** The engraver runs without root, capabilities and network, and cannot open a path. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleInto, type Confined, isRoot, removeBundles, start, status, USER } from './confined.js';

let dir = '';
beforeAll(async () => {
  dir = await bundleInto({ engraver: 'src/engraver/main.ts', probe: 'test/engraver/confinement-probe.ts' });
});
afterAll(() => removeBundles(dir));

/** Fields that each thread of a process has. */
function eachThread(pid: number, field: string): Set<string | undefined> {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return new Set(
    tasks.map((tid) => {
      const line = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8')
        .split('\n')
        .find((text) => text.startsWith(`${field}:`));
      return line?.slice(field.length + 1).trim();
    }),
  );
}

describe('the engraver, from outside', () => {
  let engraver: Confined;
  let pid = 0;
  beforeAll(async () => {
    engraver = start(`${dir}/engraver.cjs`);
    pid = engraver.worker.pid;
    expect(await engraver.next()).toEqual({ type: 'ready' });
  });
  afterAll(() => engraver?.worker.kill('the test is over'));

  it.runIf(isRoot)('is another user, whole and for good, in every thread', () => {
    const four = (id: number) => [id, id, id, id].join('\t');
    expect(eachThread(pid, 'Uid')).toEqual(new Set([four(USER.uid)]));
    expect(eachThread(pid, 'Gid')).toEqual(new Set([four(USER.gid)]));
    expect(eachThread(pid, 'Groups')).toEqual(new Set(['']));
    expect(engraver.unapplied).toEqual([]);
  });

  it.runIf(isRoot)('shows its descriptors and its memory to nobody, other processes of its user included', () => {
    const look = `
      const fs = require('fs');
      const codes = ['fd', 'fd/3', 'mem', 'environ', 'cwd/etc'].map((name) => {
        try { fs.closeSync(fs.openSync('/proc/${pid}/' + name)); return name; } catch ({ code }) { return code; }
      });
      const target = { exports: {} };
      process.dlopen(target, '${dir}/ptrace.node');
      try { target.exports.seize(${pid}); codes.push('attached'); } catch ({ code }) { codes.push(code); }
      console.log(process.getuid(), ...codes);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', look], { ...USER, cwd: '/', encoding: 'utf8' });
    expect(stderr + stdout).toBe(`${USER.uid} EACCES EACCES EACCES EACCES EACCES EPERM\n`);
  });

  it('has no capability and can get none', () => {
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb', ...(isRoot ? ['CapBnd'] : [])]) {
      expect(eachThread(pid, set), set).toEqual(new Set(['0000000000000000']));
    }
    expect(eachThread(pid, 'NoNewPrivs')).toEqual(new Set(['1']));
  });

  it('has filters on its system calls, in every thread', () => {
    expect(eachThread(pid, 'Seccomp')).toEqual(new Set(['2']));
    expect(eachThread(pid, 'Seccomp_filters')).toEqual(new Set(['2']));
  });

  it.runIf(isRoot)('has a network of its own in which there is nothing', () => {
    expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync('/proc/self/ns/net'));
    const interfaces = readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2);
    expect(interfaces.map((line) => line.split(':')[0]?.trim()).filter((name) => name !== '')).toEqual(['lo']);
  });

  it('holds no descriptor of the daemon but its socket', async () => {
    const descriptors = () =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`);
    // What it warms up with between jobs.
    await expect.poll(() => descriptors().filter((text) => text.includes('memfd:')), { timeout: 20_000 }).toEqual([]);
    const fds = descriptors();
    const sockets = fds.filter((text) => text.includes('socket:'));
    expect(sockets).toHaveLength(1);
    expect(sockets[0]).toMatch(/^3 socket:/);
    // The rest are Node's own (epoll, eventfd, pipes to its threads), /dev/null, and the pipe for what it says last.
    const files = fds.filter((text) => / \//.test(text) && !/ \/dev\/null$/.test(text));
    expect(files).toEqual([]);
  });

  it('ends when the daemon does', async () => {
    const other = start(`${dir}/engraver.cjs`);
    await other.next();
    const { pid: gone } = other.worker;
    other.worker.kill('closing');
    await expect.poll(() => existsSync(`/proc/${gone}/fd`), { timeout: 10_000 }).toBe(false);
  });
});

describe('a script in its place', () => {
  let probe: Confined;
  let results: Readonly<Record<'paths' | 'others' | 'work', Readonly<Record<string, string>>>>;
  beforeAll(async () => {
    probe = start(`${dir}/probe.cjs`);
    results = (await probe.next()) as typeof results;
  });
  afterAll(() => probe?.worker.kill('the test is over'));

  it('cannot open, make, change or list a path', () => {
    for (const [name, code] of Object.entries(results.paths)) expect(code, name).toBe('EACCES');
    expect(Object.keys(results.paths).length).toBeGreaterThan(10);
    expect(existsSync('/tmp/debuggerd-probe')).toBe(false);
  });

  it('cannot connect, listen, trace, signal or start anything', () => {
    for (const [name, code] of Object.entries(results.others)) expect(['EPERM', 'EACCES'], name).toContain(code);
    expect(Object.keys(results.others).length).toBeGreaterThan(8);
  });

  it('can still do its work', () => {
    for (const [name, code] of Object.entries(results.work)) expect(code, name).toBe('done');
    expect(Object.keys(results.work).length).toBeGreaterThan(4);
  });
});

it('the status fields that these tests rely on are there', () => {
  const own = status(process.pid);
  for (const field of ['Uid', 'CapEff', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters'])
    expect(own.has(field), field).toBe(true);
});
