import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { missing } from '../requirements.js';
import { debuggerd, stateOf, writtenPath } from './command-line.js';
import { daemonForAll } from './daemon.js';
import { expectSameFrames, gdbBacktraces } from './gdb.js';
import { start, type Target } from './target.js';
import { parseBacktrace, parseTombstone } from './tombstone-text.js';

describe('a request for a live process', () => {
  const daemon = daemonForAll();
  const targets: Target[] = [];
  afterEach(() => Promise.all(targets.splice(0).map((target) => target.kill())));

  async function live(name = 'live', args: string[] = []): Promise<Target> {
    const target = start(name, args);
    targets.push(target);
    await target.said(/ready/);
    return target;
  }

  const withoutGdb = missing('gdb');
  it.skipIf(withoutGdb)(`agrees with gdb frame by frame in every thread${withoutGdb}`, async () => {
    const target = await live();
    const { stdout } = await debuggerd('--socket', daemon().socket, '-b', String(target.pid));
    const ours = new Map(
      [...parseBacktrace(stdout)].map(([tid, thread]) => [tid, thread.frames.map((frame) => frame.fn)]),
    );
    const gdb = await gdbBacktraces(['-p', String(target.pid)]);
    expect([...ours.keys()].sort()).toEqual([...gdb.keys()].sort());
    for (const [tid, names] of gdb) expectSameFrames(ours.get(tid) ?? [], names);
  });

  it('asks for a thread that is not the main one', async () => {
    const target = await live();
    const tid = Number(/^tid worker-2 (\d+)$/m.exec(target.output())?.[1]);
    const { stdout } = await debuggerd('--socket', daemon().socket, '-b', String(tid));
    expect([...parseBacktrace(stdout).keys()][0]).toBe(tid);
    expect(stdout).toContain(`----- pid ${target.pid} at`);
  });

  it('renders the same tombstone again from the minidump alone', async () => {
    const target = await live();
    const path = writtenPath(await debuggerd('--socket', daemon().socket, String(target.pid)));
    const { stdout, status } = await debuggerd('engrave', `${path}.dmp`);
    expect(status).toBe(0);
    expect(stdout).toBe(readFileSync(path, 'utf8'));
  });

  it('serves five hundred threads', async () => {
    const target = await live('many-threads', ['500', '20']);
    const { stdout, status } = await debuggerd('--socket', daemon().socket, '-b', String(target.pid));
    expect(status).toBe(0);
    const threads = [...parseBacktrace(stdout).values()].filter((thread) => thread.name.startsWith('parked-'));
    expect(threads).toHaveLength(500);
    for (const thread of threads) expect(thread.frames.filter((frame) => frame.fn === 'descend')).toHaveLength(20);
  });

  it('serves five thousand mappings', async () => {
    const target = await live('many-mappings', ['5000']);
    const path = writtenPath(await debuggerd('--socket', daemon().socket, String(target.pid)));
    expect(parseTombstone(readFileSync(path, 'utf8')).mapLines.length).toBeGreaterThanOrEqual(5000);
  });

  it('answers many requests at once', async () => {
    const target = await live();
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => debuggerd('--socket', daemon().socket, '-b', String(target.pid))),
    );
    // Two tracers cannot hold one target at once: those that come second are told so, and nobody hangs.
    expect(outcomes.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
  });
});

describe('a request that cannot be served', () => {
  const daemon = daemonForAll();

  it('no such thread', async () => {
    const { status, stderr } = await debuggerd('--socket', daemon().socket, '-b', '4194303');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^.*4194303.*\n$/);
  });

  it('no daemon', async () => {
    const { status, stderr } = await debuggerd('--socket', 'debuggerd-nobody-listens', '-b', String(process.pid));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^.*debuggerd-nobody-listens.*\n$/);
  });

  it.each([['-b'], ['-b', 'x'], ['0'], ['--wrong'], ['run']])('usage: %j %j', async (...args) => {
    const { status, stderr } = await debuggerd(...args);
    expect(status).toBe(2);
    expect(stderr).not.toBe('');
  });

  it('--help and --version', async () => {
    const help = await debuggerd('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toMatch(/Examples:\n/);
    expect((await debuggerd('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
