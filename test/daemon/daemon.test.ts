import { execFile, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type Listener, startListener } from '../../src/cli/listen.js';
import { type DaemonConfig, defaultConfig } from '../../src/daemon/config/config.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { Log } from '../../src/daemon/log.js';
import type { ServerOptions } from '../../src/daemon/server/server.js';
import { loadAddon } from '../../src/platform/addon.js';
import { encodeRequest } from '../../src/wire/request.js';
import { connectTo, uniqueName } from './socket-client.js';
import { until } from './until.js';

/** What lies in a directory beside the order of the reports. */
const reports = async (dir: string) => (await readdir(dir)).filter((name) => !name.startsWith('.tombstone-order'));

const fake = (name: string) => fileURLToPath(new URL(`fakes/${name}.cjs`, import.meta.url));

interface Running {
  readonly daemon: Daemon;
  readonly socket: string;
  readonly dir: string;
  /** What is logged at the default level. */
  readonly lines: string[];
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A daemon with fakes that do what is named. */
async function start(
  behaviours: { tracer?: string; engraver?: string } = {},
  change: Partial<DaemonConfig> = {},
  server: ServerOptions = {},
): Promise<Running> {
  const dir = await mkdtemp(join(tmpdir(), 'daemon-'));
  const socket = uniqueName('daemon');
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const log: Log = { error: write('error'), warn: write('warn'), info: write('info'), debug() {} };
  const config: DaemonConfig = {
    ...defaultConfig(),
    socket,
    tombstone_dir: dir,
    activity_manager: 'none',
    log_files: [`/fake/${behaviours.tracer ?? 'normal'}`, `/fake/${behaviours.engraver ?? 'normal'}`],
    ...change,
  };
  const parts = { tracer: fake('tracer'), engraver: fake('engraver') };
  const daemon = await Daemon.start({ config, parts, log, env: {}, server, shutdownMs: 100 });
  cleanups.push(async () => {
    const { pids } = daemon;
    await daemon.close();
    await until(() => pids.every((pid) => !isAlive(pid)), 'every child process has ended');
    await rm(dir, { recursive: true, maxRetries: 5 });
  });
  return { daemon, socket, dir, lines };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Sends a crash of this process's main thread, and gives everything that comes back. */
const crash = (socket: string) => connectTo({ abstract: socket }, encodeRequest('crash', process.pid)).answer;

const ask = (socket: string, kind: 'tombstone' | 'backtrace', tid: number) =>
  connectTo({ abstract: socket }, encodeRequest(kind, tid)).answer;

const isRoot = process.getuid?.() === 0;

describe('daemon', () => {
  it('turns a crash into a tombstone and a minidump, acknowledges it, and says so in one line', async () => {
    const { socket, dir, lines } = await start();
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.length > 0, 'the log has a line');
    const names = (await reports(dir)).sort();
    expect(names).toEqual(['tombstone_00', 'tombstone_00.dmp']);
    const text = await readFile(join(dir, 'tombstone_00'), 'utf8');
    expect(text).toBe(`tombstone of pid ${process.pid} tid ${process.pid} with /lib/mapped.so\n`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      new RegExp(
        `^info: crash of pid ${process.pid} tid ${process.pid} ".*" uid \\d+: SIGSEGV, #00 f\\\\x1b\\[2J\\\\x0a, 1 threads, 2 frames, ` +
          `${dir}/tombstone_00, [\\d.]+ ms \\(.*capture [\\d.]+, engrave [\\d.]+.*\\)$`,
      ),
    );
  });

  it.runIf(isRoot)('answers root’s request for a tombstone with its path, without NUL or newline', async () => {
    const { socket, dir, lines } = await start();
    expect(await ask(socket, 'tombstone', process.pid)).toBe(`\0${join(dir, 'tombstone_00')}`);
    await until(() => lines.length > 0, 'the log has a line');
    expect(lines[0]).toMatch(/asked by pid \d+ ".*" uid 0 \(root\): SIGSEGV/);
  });

  it.runIf(isRoot)('streams a backtrace and writes no file', async () => {
    const { socket, dir } = await start();
    expect(await ask(socket, 'backtrace', process.pid)).toBe(
      `\0backtrace of pid ${process.pid} tid ${process.pid} with /lib/mapped.so\n`,
    );
    expect(await reports(dir)).toEqual([]);
  });

  it('copies no process while copies that wait take all they may, and the next one when they do not', async () => {
    const { socket, lines } = await start({ tracer: 'large', engraver: 'die-once' });
    const request = encodeRequest('crash', process.pid);
    const first = connectTo({ abstract: socket }, request);
    // The first try of two: the copy is there until another engraver has started, and is done with it.
    await until(() => lines.some((line) => line.includes('engraver ended')), 'the first try is over');
    const second = connectTo({ abstract: socket }, request);
    let before: string[] = [];
    second.socket.once('data', () => {
      before = [...lines];
    });
    expect(await Promise.all([first.answer, second.answer])).toEqual(['\0', '\0']);
    expect(before).toContainEqual(expect.stringContaining('tombstone_00'));
  });

  it('serves without its second socket where somebody has that', async () => {
    const socket32 = uniqueName('squatted');
    const addon = loadAddon();
    const squatter = addon.listenUnix('stream', { abstract: socket32 });
    cleanups.push(async () => addon.closeFd(squatter));
    const { socket, lines, daemon } = await start({}, { socket32 });
    expect(daemon.socketNames).toEqual([`@${socket}`]);
    expect(lines).toEqual([expect.stringMatching(`^error: serving without a second socket: @${socket32} is in use`)]);
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.length > 1, 'the crash is logged');
  });

  it('refuses without a byte, and the log says why', async () => {
    const { socket, lines } = await start();
    expect(await ask(socket, 'backtrace', 4_194_304)).toBe('');
    expect(lines).toEqual([
      expect.stringMatching(/^warn: refused: backtrace of 4194304: there is no such thread \(from pid=\d+ uid=\d+\)$/),
    ]);
    expect(await connectTo({ abstract: socket }, encodeRequest('crash', 1)).answer).toBe('');
    await until(() => lines.length > 1, 'the second refusal is logged');
    expect(lines[1]).toContain('crash of 1: it has no such thread');
  });

  it.runIf(isRoot)('has the tracer check again whether a process is still its user’s own', async () => {
    const { socket, dir } = await start();
    const uid = 4242;
    const target = spawn('sleep', ['100'], { uid, gid: uid });
    cleanups.push(async () => void target.kill());
    await until(
      () => target.pid !== undefined && statSync(`/proc/${target.pid}`).uid === uid,
      'the target is the user’s',
    );
    const script = `
      const addon = require(${JSON.stringify(fileURLToPath(new URL('../../native/ptrace-napi', import.meta.url)))});
      const fd = addon.connectUnix('stream', { abstract: ${JSON.stringify(socket)} });
      const request = Buffer.alloc(20);
      request.writeInt32LE(2, 0);
      request.writeInt32LE(${target.pid}, 4);
      addon.sendMessage(fd, request);
      for (const buffer = Buffer.alloc(99); ; ) {
        const { bytes } = addon.receiveMessage(fd, buffer);
        if (bytes === 0) break;
        process.stdout.write(buffer.subarray(0, bytes));
      }`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { uid, gid: uid });
    expect(stdout).toBe(`\0backtrace of pid ${target.pid} tid ${target.pid}, owner only, with /lib/mapped.so\n`);
    expect(await reports(dir)).toEqual([]);
  });

  it.runIf(isRoot)('gives another user no tombstone, and no backtrace of root’s processes', async () => {
    const { socket, lines } = await start();
    const script = `
      const addon = require(${JSON.stringify(fileURLToPath(new URL('../../native/ptrace-napi', import.meta.url)))});
      process.setgid(4242); process.setuid(4242);
      for (const action of [1, 2]) {
        const fd = addon.connectUnix('stream', { abstract: ${JSON.stringify(socket)} });
        const request = Buffer.alloc(20);
        request.writeInt32LE(action, 0);
        request.writeInt32LE(${process.pid}, 4);
        addon.sendMessage(fd, request);
        process.stdout.write(String(addon.receiveMessage(fd, Buffer.alloc(9))?.bytes));
      }`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(output).toBe('00');
    expect(lines.map((line) => line.replace(/ \(from.*/, ''))).toEqual([
      `warn: refused: tombstone of ${process.pid}: uid 4242 may not ask for tombstones`,
      `warn: refused: backtrace of ${process.pid}: process ${process.pid} is of another user`,
    ]);
  });

  it('serves many crashes at once, each in its own slot', async () => {
    const { socket, dir } = await start({}, { max_tombstones: 40 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => crash(socket)));
    expect(answers).toEqual(Array(40).fill('\0'));
    await until(
      async () => (await reports(dir)).filter((name) => /^tombstone_\d\d$/.test(name)).length === 40,
      '40 tombstones',
    );
  });

  it('is not held up by clients that say nothing, or half of it', async () => {
    const { socket, lines } = await start({}, {}, { requestDeadlineMs: 300 });
    const silent = Array.from({ length: 20 }, () => connectTo({ abstract: socket }));
    const half = connectTo({ abstract: socket }, new Uint8Array(10));
    expect(await crash(socket)).toBe('\0');
    expect(await half.answer).toBe('');
    expect(await Promise.all(silent.map(({ answer }) => answer))).toEqual(Array(20).fill(''));
    // Root's lines are written one by one; of another user's the rest is counted.
    const timedOut = () => lines.filter((line) => line.includes('timed out reading tid')).length;
    const counted = () => lines.some((line) => /^warn: \d+ more requests of uid \d+ were refused$/.test(line));
    await until(() => (process.getuid?.() === 0 ? timedOut() === 20 : counted()), 'all are accounted for');
    expect(lines.filter((line) => line.includes('invalid crash request of size 10'))).toHaveLength(1);
    expect(timedOut()).toBeGreaterThan(0);
  });
});

describe('daemon: tracers that fail', () => {
  it('kills a tracer past its deadline and goes on with another', async () => {
    const { daemon, socket, lines } = await start({ tracer: 'hang' }, { deadline: 1, tracers: { min: 1, max: 1 } });
    await until(() => daemon.warm, 'the daemon is warm');
    const [first] = daemon.pids;
    expect(await crash(socket)).toBe('');
    await until(() => lines.some((line) => line.includes('deadline of 1 s passed')), 'the log says so');
    await until(() => daemon.warm && daemon.pids[0] !== first, 'another tracer is ready');
    expect(isAlive(first!)).toBe(false);
  });

  it.each([
    ['dies', 'die', /not captured: the tracer ended: it exited with status 3/],
    ['answers nonsense', 'garbage', /not captured: the tracer ended: message field signal/],
    ['reports a failure', 'fail', /not captured: no such\\x0athread/],
  ])('closes the client without a byte when the tracer %s', async (_name, tracer, reason) => {
    const { socket, dir, lines } = await start({ tracer });
    expect(await crash(socket)).toBe('');
    await until(() => lines.some((line) => reason.test(line)), `the log matches ${reason}`);
    expect(await reports(dir)).toEqual([]);
  });
});

describe('daemon: engravers that fail', () => {
  it.each([
    ['dies at the dump', 'die', /the engraver ended: it exited with status 1: .*the dump did \| this to me/],
    ['never answers', 'hang', /it passed its deadline of 1 s/],
    ['answers what nobody asked', 'lie', /the engraver ended: /],
    ['cannot read it', 'fail', /not a minidump/],
    ['claims success and wrote nothing', 'empty', /the engraver left the tombstone empty/],
  ])('keeps the raw minidump and says why: it %s', async (_name, engraver, reason) => {
    const { socket, dir, lines } = await start({ engraver }, { deadline: 1 });
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.some((line) => line.includes('tombstone_00')), 'the request is over');
    const text = await readFile(join(dir, 'tombstone_00'), 'utf8');
    expect(text).toMatch(
      new RegExp(`^pid: ${process.pid}, tid: ${process.pid}, signal 11: the dump could not be engraved .*\n$`),
    );
    expect(text).toMatch(reason);
    const raw = JSON.parse(await readFile(join(dir, 'tombstone_00.dmp'), 'utf8'));
    expect(raw).toMatchObject({ behaviour: engraver, job: { kind: 'crash', pid: process.pid } });
    expect((await reports(dir)).sort()).toEqual(['tombstone_00', 'tombstone_00.dmp']);
  });

  it('tries once more with a fresh engraver', async () => {
    const { socket, dir, lines } = await start({ engraver: 'die-once' });
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.some((line) => line.includes('tombstone_00')), 'the request is over');
    expect(await readFile(join(dir, 'tombstone_00'), 'utf8')).toBe(
      `tombstone of pid ${process.pid} tid ${process.pid} with /lib/mapped.so\n`,
    );
  });

  it('is there again after it was killed', async () => {
    const { daemon, socket, dir } = await start();
    await until(() => daemon.warm, 'the daemon is warm');
    const engraver = daemon.pids.at(-1)!;
    process.kill(engraver, 'SIGKILL');
    await until(() => daemon.warm && daemon.pids.at(-1) !== engraver, 'another engraver is ready');
    expect(await crash(socket)).toBe('\0');
    await until(async () => (await reports(dir)).length === 2, 'the tombstone is there');
  });
});

describe('daemon: activity manager', () => {
  async function listenTo(printed: string[]): Promise<{ path: string; listener: Listener }> {
    const dir = await mkdtemp(join(tmpdir(), 'am-'));
    const path = join(dir, 'ndebugsocket');
    const listener = await startListener(path, (text) => printed.push(text));
    cleanups.push(async () => {
      await listener.close();
      await rm(dir, { recursive: true, maxRetries: 5 });
    });
    return { path, listener };
  }

  it('is told of a crash while the target is held', async () => {
    const printed: string[] = [];
    const { path } = await listenTo(printed);
    const { socket, lines } = await start({}, { activity_manager: path });
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.length > 0, 'the request is over');
    expect(lines[0]).toContain('activity manager: acknowledged');
    expect(printed).toEqual([
      `native crash: pid ${process.pid}, signal 11\nnotification of pid ${process.pid} tid ${process.pid} with /lib/mapped.so\n`,
    ]);
  });

  it('that is not there changes nothing', async () => {
    const { socket, lines } = await start({}, { activity_manager: '/nonexistent/ndebugsocket' });
    expect(await crash(socket)).toBe('\0');
    await until(() => lines.length > 0, 'the request is over');
    expect(lines[0]).not.toContain('activity manager');
  });
});

describe('daemon: start and stop', () => {
  it('refuses a socket that is in use, in one line, and leaves the directory alone', async () => {
    const { socket, dir } = await start();
    const log: Log = { error() {}, warn() {}, info() {}, debug() {} };
    const config = { ...defaultConfig(), socket, tombstone_dir: join(dir, 'other') };
    const second = Daemon.start({
      config,
      parts: { tracer: fake('tracer'), engraver: fake('engraver') },
      log,
      env: {},
    });
    await expect(second).rejects.toThrow(`@${socket} is in use: another debuggerd runs`);
    expect(await reports(dir)).toEqual([]);
  });

  it('ends within its bound while a request hangs, and its client sees the end', async () => {
    const { daemon, socket } = await start({ tracer: 'hang' });
    await until(() => daemon.warm, 'the daemon is warm');
    const answer = crash(socket);
    await until(() => !daemon.warm, 'a tracer has the request');
    await daemon.close();
    expect(await answer).toBe('');
  });
});
