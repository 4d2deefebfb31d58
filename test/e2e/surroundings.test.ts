/** Crashes and requests across what separates processes: users, namespaces, core dumps, an activity manager. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostArchitecture } from './architecture.js';
import { type Daemon, program, startDaemon } from './daemon.js';
import { start } from './target.js';
import { parseBacktrace } from './tombstone-text.js';

const { programs, clientLibrary } = hostArchitecture;
const isRoot = process.getuid?.() === 0;
/** Users of no account: the kernel does not mind. */
const [alice, bob] = [54_321, 54_322];

const asUser = (uid: number) => ['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];

function debuggerdAs(uid: number, ...args: string[]) {
  const [command = '', ...rest] = [...asUser(uid), program, ...args];
  return spawnSync(command, rest, { encoding: 'utf8' });
}

describe('a core dump', () => {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  const plain = !/[|/@%]/.test(pattern);

  it.skipIf(!plain)(`is made all the same (core_pattern ${pattern})`, async () => {
    const daemon = await startDaemon();
    const cwd = join(daemon.dir, 'cores');
    mkdirSync(cwd);
    const command = `ulimit -c unlimited; exec ${join(programs, 'null-write')}`;
    const target = start('/bin/sh', ['-c', command], { daemon, cwd });
    await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    expect(readdirSync(cwd).filter((name) => name.startsWith(pattern))).toHaveLength(1);
    await daemon.stop();
  });
});

describe.skipIf(!isRoot)('other users (needs root)', () => {
  let daemon: Daemon;
  let readable: string;
  beforeAll(async () => {
    daemon = await startDaemon();
    // The build tree may lie where other users cannot go.
    readable = join(daemon.dir, 'readable');
    mkdirSync(readable);
    for (const name of ['null-write', 'live']) copyFileSync(join(programs, name), join(readable, name));
    copyFileSync(clientLibrary, join(readable, 'client.so'));
    for (const dir of [daemon.dir, readable]) chmodSync(dir, 0o755);
  });
  afterAll(() => daemon.stop());

  async function liveAs(uid: number) {
    const [command = '', ...args] = [...asUser(uid), join(readable, 'live')];
    const target = start(command, args, { cwd: readable });
    await target.said(/ready/);
    return target;
  }

  it('report their crashes, and cannot read the tombstone', async () => {
    const [command = '', ...args] = [...asUser(alice), join(readable, 'null-write')];
    const env = { LD_PRELOAD: join(readable, 'client.so'), DEBUGGERD_SOCKET: daemon.socket };
    const target = start(command, args, { cwd: readable, env });
    const { tombstone, path } = await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    expect(tombstone.threads[0]?.frames[0]?.fn).toBe('write_to_address');
    const [reader = '', ...rest] = [...asUser(alice), 'cat', path];
    expect(spawnSync(reader, rest).status).not.toBe(0);
  });

  it('see backtraces of their own processes, of nobody else’s, and get no tombstone', async () => {
    const target = await liveAs(alice);
    const own = debuggerdAs(alice, '--socket', daemon.socket, '-b', String(target.pid));
    expect(own.stderr).toBe('');
    expect([...parseBacktrace(own.stdout).values()].map((thread) => thread.name)).toContain('acceptor');
    const others = debuggerdAs(bob, '--socket', daemon.socket, '-b', String(target.pid));
    expect(others.status).toBe(1);
    expect(others.stdout).not.toContain('pid');
    expect(others.stderr).toMatch(/^[^\n]+\n$/);
    const tombstone = debuggerdAs(alice, '--socket', daemon.socket, String(target.pid));
    expect(tombstone.status).toBe(1);
    await target.kill();
  });

  it('see none where the configuration says so', async () => {
    const strict = await startDaemon({ allow_own_backtraces: false, system_uid: 1000 });
    const target = await liveAs(alice);
    expect(debuggerdAs(alice, '--socket', strict.socket, '-b', String(target.pid)).status).toBe(1);
    expect(debuggerdAs(1000, '--socket', strict.socket, '-b', String(target.pid)).status).toBe(0);
    expect(debuggerdAs(1000, '--socket', strict.socket, String(target.pid)).status).toBe(1);
    // A person, where the configuration does not say otherwise.
    expect(debuggerdAs(1000, '--socket', daemon.socket, '-b', String(target.pid)).status).toBe(1);
    await target.kill();
    await strict.stop();
  });

  it.each(['--mount', '--pid'])('crash in a namespace of their own (%s)', async (kind) => {
    const hidden = join(daemon.dir, `hidden${kind}`);
    mkdirSync(hidden);
    copyFileSync(join(programs, 'null-write'), join(hidden, 'in-namespace'));
    // In the new mount namespace the program lies where the host has none.
    const setUp =
      kind === '--mount'
        ? `mount -t tmpfs none ${hidden} && cp ${join(readable, 'null-write')} ${hidden}/in-namespace && exec ${hidden}/in-namespace nowhere`
        : `${hidden}/in-namespace nowhere; exit 0`;
    const child = spawn(
      'unshare',
      [
        kind,
        '--fork',
        '--',
        'env',
        `LD_PRELOAD=${join(readable, 'client.so')}`,
        `DEBUGGERD_SOCKET=${daemon.socket}`,
        'sh',
        '-c',
        setUp,
      ],
      { stdio: 'ignore' },
    );
    const ended = once(child, 'exit');
    const line = await daemon.logged(new RegExp(`crash of pid (\\d+) .*${hidden}/in-namespace`));
    const { tombstone } = await daemon.tombstoneOf(Number(line[1]));
    expect(tombstone.threads[0]?.frames.slice(0, 3).map((frame) => frame.fn)).toEqual([
      'write_to_address',
      'choose_address',
      'main',
    ]);
    expect(tombstone.signal?.[4]).toBe('0xdead0');
    await ended;
  });

  it('run daemons of their own, for their own processes', async () => {
    const own = await startDaemon({}, { user: alice });
    const target = await liveAs(alice);
    const { stdout, status } = debuggerdAs(alice, '--socket', own.socket, '-b', String(target.pid));
    expect(status, own.log()).toBe(0);
    expect(stdout).toContain('"acceptor" sysTid=');
    await target.kill();
    await own.stop();
  });
});

describe('an activity manager', () => {
  it('is told of the crash while the target is still there', async () => {
    const probe = await startDaemon();
    const path = join(probe.dir, 'activity.sock');
    const daemon = await startDaemon({ activity_manager: path });
    const listener = spawn(program, ['listen', path], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(listener, 'exit');
    let said = '';
    listener.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
    const target = start('null-write', ['nowhere'], { daemon });
    const { text } = await daemon.tombstoneOf(target.pid);
    expect(await target.ended).toBe('SIGSEGV');
    while (!said.includes('#02 pc')) await once(listener.stdout, 'data');
    expect(said).toMatch(new RegExp(`${target.pid}`));
    const backtrace = text.slice(text.indexOf('backtrace:'), text.indexOf('\n\nstack:'));
    expect(said).toContain(backtrace.trimEnd());
    expect(said).not.toContain('memory map');
    listener.kill('SIGTERM');
    await ended;
    await daemon.stop();
    await probe.stop();
  });
});
