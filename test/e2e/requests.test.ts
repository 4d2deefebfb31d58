import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, program, startDaemon } from './daemon.js';
import { expectSameFrames, gdbBacktraces } from './gdb.js';
import { start, type Target } from './target.js';
import { parseBacktrace, parseTombstone } from './tombstone-text.js';

const execute = promisify(execFile);

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
async function debuggerd(...args: string[]): Promise<Outcome> {
  return execute(program, args, { maxBuffer: 64 << 20 }).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    (error) => ({ status: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

/** The state letter and tracer of a process, from /proc/PID/status. */
function stateOf(pid: number): { state: string; tracer: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { state: /^State:\s+(\S)/m.exec(status)?.[1] ?? '', tracer: Number(/^TracerPid:\s+(\d+)/m.exec(status)?.[1]) };
}

describe('a request for a live process', () => {
  let daemon: Daemon;
  const targets: Target[] = [];
  beforeAll(async () => {
    daemon = await startDaemon();
  });
  afterEach(() => Promise.all(targets.splice(0).map((target) => target.kill())));
  afterAll(() => daemon.stop());

  async function live(name = 'live', args: string[] = []): Promise<Target> {
    const target = start(name, args);
    targets.push(target);
    await target.said(/ready/);
    return target;
  }

  it('prints the backtraces of all threads and leaves no trace', async () => {
    const target = await live();
    const { status, stdout } = await debuggerd('--socket', daemon.socket, '-b', String(target.pid));
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `\\n\\n----- pid ${target.pid} at \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d -----\\nCmd line: .*/live\\nABI: 'x86_64'\\n`,
      ),
    );
    expect(stdout.endsWith(`\n----- end ${target.pid} -----\n`)).toBe(true);
    const threads = parseBacktrace(stdout);
    const byName = (name: string) =>
      [...threads.values()].find((thread) => thread.name === name)?.frames.map((frame) => frame.fn) ?? [];
    expect(threads.size).toBe(7);
    expect(byName('acceptor')).toEqual(expect.arrayContaining(['accept_connection', 'serve_listener', 'run_acceptor']));
    expect(byName('worker-3')).toEqual(expect.arrayContaining(['next_job', 'work_through_queue', 'run_worker']));
    expect(byName('live')).toEqual(expect.arrayContaining(['supervise', 'main']));
    expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
  });

  it('agrees with gdb frame by frame in every thread', async () => {
    const target = await live();
    const { stdout } = await debuggerd('--socket', daemon.socket, '-b', String(target.pid));
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
    const { stdout } = await debuggerd('--socket', daemon.socket, '-b', String(tid));
    expect([...parseBacktrace(stdout).keys()][0]).toBe(tid);
    expect(stdout).toContain(`----- pid ${target.pid} at`);
  });

  it('writes a tombstone and says where', async () => {
    const target = await live();
    const { status, stdout, stderr } = await debuggerd('--socket', daemon.socket, String(target.pid));
    expect(status).toBe(0);
    expect(stdout).toBe(`Sending request to dump task ${target.pid}.\n`);
    const path = /^Tombstone written to: (.*)\n$/.exec(stderr)?.[1] ?? '';
    const tombstone = parseTombstone(readFileSync(path, 'utf8'));
    expect(tombstone.signal).toEqual([19, 'SIGSTOP', 0, 'SI_USER', '--------']);
    expect(tombstone.threads.length).toBe(7);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.dmp`)).toBe(true);
    expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
  });

  it('renders the same tombstone again from the minidump alone', async () => {
    const target = await live();
    const { stderr } = await debuggerd('--socket', daemon.socket, String(target.pid));
    const path = /^Tombstone written to: (.*)\n$/.exec(stderr)?.[1] ?? '';
    const { stdout, status } = await debuggerd('engrave', `${path}.dmp`);
    expect(status).toBe(0);
    expect(stdout).toBe(readFileSync(path, 'utf8'));
  });

  it('serves five hundred threads', async () => {
    const target = await live('many-threads', ['500', '20']);
    const { stdout, status } = await debuggerd('--socket', daemon.socket, '-b', String(target.pid));
    expect(status).toBe(0);
    const threads = [...parseBacktrace(stdout).values()].filter((thread) => thread.name.startsWith('parked-'));
    expect(threads).toHaveLength(500);
    for (const thread of threads) expect(thread.frames.filter((frame) => frame.fn === 'descend')).toHaveLength(20);
  });

  it('serves five thousand mappings', async () => {
    const target = await live('many-mappings', ['5000']);
    const { stderr, status } = await debuggerd('--socket', daemon.socket, String(target.pid));
    expect(status).toBe(0);
    const path = /^Tombstone written to: (.*)\n$/.exec(stderr)?.[1] ?? '';
    expect(parseTombstone(readFileSync(path, 'utf8')).mapLines.length).toBeGreaterThanOrEqual(5000);
  });

  it('answers many requests at once', async () => {
    const target = await live();
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => debuggerd('--socket', daemon.socket, '-b', String(target.pid))),
    );
    // Two tracers cannot hold one target at once: those that come second are told so, and nobody hangs.
    expect(outcomes.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(stateOf(target.pid)).toEqual({ state: 'S', tracer: 0 });
  });
});

describe('a request that cannot be served', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });
  afterAll(() => daemon.stop());

  it('no such thread', async () => {
    const { status, stderr } = await debuggerd('--socket', daemon.socket, '-b', '4194303');
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
