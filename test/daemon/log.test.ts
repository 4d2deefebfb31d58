import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogOptions, type OpenLog, openLog } from '../../src/daemon/log.js';
import { loadAddon } from '../../src/platform/addon.js';
import { loadUnixDgram } from '../../src/platform/datagram-log.js';

const addon = loadAddon();
/** The package is optional: where it could not be built there is nothing to send with. */
const canSend = (await loadUnixDgram()).module !== null;
let dir: string;
let lines: string[];
const opened: OpenLog[] = [];
const fds: number[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'log-'));
  lines = [];
});

afterEach(async () => {
  for (const log of opened.splice(0)) log.close();
  for (const fd of fds.splice(0)) addon.closeFd(fd);
  await rm(dir, { recursive: true });
});

/** A log whose datagram sockets lie in the test's directory, where `receive` made them. */
async function open(change: Partial<LogOptions> = {}): Promise<OpenLog> {
  const log = await openLog({
    level: 'info',
    targets: ['console', 'journald', 'logd'],
    write: (line) => lines.push(line) > 0,
    journaldSocket: join(dir, 'journald'),
    logdSocket: join(dir, 'logd'),
    ...change,
  });
  opened.push(log);
  return log;
}

/** Binds a datagram socket; the returned function takes what has arrived, without waiting. */
function receive(name: string): () => Buffer | null {
  const fd = addon.listenUnix('dgram', { path: join(dir, name) }, { nonBlocking: true });
  fds.push(fd);
  return () => {
    const buffer = Buffer.alloc(64 * 1024);
    const message = addon.receiveMessage(fd, buffer);
    return message === null ? null : buffer.subarray(0, message.bytes);
  };
}

describe('log', () => {
  it('writes each line before it returns', async () => {
    const log = await open();
    log.info('one');
    expect(lines).toHaveLength(1);
    log.error('two');
    log.warn('three');
    expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual(['info: one\n', 'error: two\n', 'warn: three\n']);
    expect(Date.parse(lines[0]!.slice(0, 24))).toBeGreaterThan(0);
  });

  it('leaves out what is below its level', async () => {
    const log = await open({ level: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);
    expect(lines).toHaveLength(2);
  });

  it('keeps a message on one line, whatever is in it', async () => {
    const log = await open();
    log.info('a\nb\r\n\u001b[2Jc\0\u2028\u202e');
    expect(lines[0]).toMatch(/info: a\\u\{a\}b\\u\{d\}\\u\{a\}\\u\{1b\}\[2Jc\\u\{0\}\\u\{2028\}\\u\{202e\}\n$/);
  });

  it.runIf(canSend)('sends to journald and logd where their sockets are, at once', async () => {
    const journald = receive('journald');
    const logd = receive('logd');
    const log = await open();
    log.warn('hello', { DEBUGGERD_PID: 7 });
    expect(journald()?.toString()).toBe('PRIORITY=4\nSYSLOG_IDENTIFIER=debuggerd\nDEBUGGERD_PID=7\nMESSAGE=hello\n');
    expect(logd()?.subarray(11).toString()).toBe('\u0005debuggerd\0hello\0');
    expect(lines).toHaveLength(1);
  });

  it.runIf(canSend)('reaches a receiver that was restarted', async () => {
    receive('journald');
    const log = await open();
    addon.closeFd(fds.pop()!);
    log.info('lost');
    await rm(join(dir, 'journald'));
    const journald = receive('journald');
    log.info('found');
    expect(journald()?.toString()).toContain('MESSAGE=lines of this log that could not be written and are lost: 1');
    expect(journald()?.toString()).toContain('MESSAGE=found');
  });

  it.runIf(canSend)('is not held up by a receiver that does not read', async () => {
    receive('journald');
    const log = await open();
    for (let i = 0; i < 5000; i++) log.info(`line ${i}`);
    expect(lines).toHaveLength(5000);
  });

  it.runIf(canSend)('uses the targets that are named, and can be silent', async () => {
    const journald = receive('journald');
    (await open({ targets: ['console'] })).info('a');
    expect(journald()).toBeNull();
    (await open({ targets: ['journald'] })).info('b');
    expect(journald()?.toString()).toContain('MESSAGE=b');
    (await open({ targets: [] })).error('c');
    expect(lines).toHaveLength(1);
  });

  it('goes on when the console fails', async () => {
    const log = await open({
      write: () => {
        throw new Error('EPIPE');
      },
    });
    expect(() => log.error('x')).not.toThrow();
    log.error('y');
  });
});
