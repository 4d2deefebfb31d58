import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { built, runnable } from './built.js';
import type { FakeDaemon } from './fake-daemon.js';
import { listen, run, useStage } from './stage.js';

useStage();

const { EACCES, EAGAIN, ECONNREFUSED, EIO, ENAMETOOLONG, EPERM } = constants.errno;
const DUMP_TOMBSTONE = 1;
const DUMP_BACKTRACE = 2;

describe.each(runnable)('asking for a dump, %s', (arch) => {
  const ask = (daemon: FakeDaemon | undefined, ...args: (string | number)[]) =>
    run(built(arch).own('ask-for-dump'), args.map(String), daemon === undefined ? {} : { socket: daemon.name });

  it.each([-1, 20])('stores the path of a tombstone (timeout %i)', async (seconds) => {
    const daemon = await listen('hold');
    const program = ask(daemon, 'tombstone', 4711, 100, seconds);
    const knock = await daemon.knock(0);
    const request = { action: knock.action, tid: knock.tid, rest: knock.bytes.toString('hex', 8) };
    expect(request).toEqual({ action: DUMP_TOMBSTONE, tid: 4711, rest: '00'.repeat(12) });
    knock.acknowledge('/data/tombstones/tombstone_07');
    await program.ended;
    expect(program.output).toBe('0 /data/tombstones/tombstone_07\n');
  });

  it.each([
    [30, '0 /data/tombstones/tombstone_07\n'],
    [29, `-1 ${ENAMETOOLONG}\n`],
    [1, `-1 ${ENAMETOOLONG}\n`],
  ])('needs room for the path and its NUL: %i bytes', async (length, output) => {
    const daemon = await listen('hold');
    const program = ask(daemon, 'tombstone', 4711, length, -1);
    (await daemon.knock(0)).acknowledge('/data/tombstones/tombstone_07');
    await program.ended;
    expect(program.output).toBe(output);
  });

  it('puts a path together that comes in pieces', async () => {
    const daemon = await listen('hold');
    const program = ask(daemon, 'tombstone', 4711, 100, -1);
    const { socket } = await daemon.knock(0);
    socket.write('\0');
    await program.asleep(program.pid);
    socket.write('/data/');
    await program.asleep(program.pid);
    socket.end('tombstones/tombstone_07');
    await program.ended;
    expect(program.output).toBe('0 /data/tombstones/tombstone_07\n');
  });

  it.runIf(process.getuid?.() === 0)('trusts no abstract socket of another user', async () => {
    const script = `
      const server = require('node:net').createServer((socket) => socket.end('\\0false words'));
      server.listen('\\0' + process.argv[1], () => console.log('listens'));`;
    const name = `debuggerd-test-${process.pid}-${arch}-`.padEnd(107, 'z');
    const squatter = spawn(process.execPath, ['-e', script, name], { cwd: '/', uid: 54_321, gid: 54_321 });
    try {
      await once(squatter.stdout, 'data');
      const program = run(built(arch).own('ask-for-dump'), ['backtrace', '12', '-1'], { socket: name });
      await program.ended;
      expect([program.output, program.errors]).toEqual(['', `-1 ${EPERM}\n`]);
    } finally {
      squatter.kill('SIGKILL');
      await once(squatter, 'exit');
    }
  });

  it('copies a backtrace of any length', async () => {
    const text = 'a line of the backtrace\n'.repeat(5000);
    const daemon = await listen('hold');
    const program = ask(daemon, 'backtrace', 12, -1);
    const knock = await daemon.knock(0);
    expect([knock.action, knock.tid]).toEqual([DUMP_BACKTRACE, 12]);
    knock.acknowledge(text);
    await program.ended;
    expect(program.output === text).toBe(true);
    expect(program.errors).toBe('0\n');
  });

  it.each([
    ['refused', 'refuse', EACCES],
    ['a dump that failed after the ack', 'acknowledge', EIO],
  ] as const)('fails: %s', async (_why, behaviour, errno) => {
    const daemon = await listen(behaviour);
    const tombstone = ask(daemon, 'tombstone', 1, 100, -1);
    await tombstone.ended;
    expect(tombstone.output).toBe(`-1 ${errno}\n`);
    const backtrace = ask(daemon, 'backtrace', 1, -1);
    await backtrace.ended;
    expect([backtrace.output, backtrace.errors]).toEqual(['', `-1 ${errno}\n`]);
  });

  it('fails: no daemon', async () => {
    const program = ask(undefined, 'tombstone', 1, 100, -1);
    await program.ended;
    expect(program.output).toBe(`-1 ${ECONNREFUSED}\n`);
  });

  it('gives up after its timeout', async () => {
    const daemon = await listen('hold');
    const program = ask(daemon, 'backtrace', 1, 1);
    await program.ended;
    expect(program.errors).toBe(`-1 ${EAGAIN}\n`);
    expect(daemon.knocks).toHaveLength(1);
  });
});
