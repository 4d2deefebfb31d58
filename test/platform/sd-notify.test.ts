import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadAddon, type UnixAddress } from '../../src/platform/addon.js';
import { createNotifier } from '../../src/platform/sd-notify.js';

const addon = loadAddon();
const fds: number[] = [];
afterEach(() => {
  for (const fd of fds.splice(0)) addon.closeFd(fd);
});

/** A manager's socket; the returned function takes the next message. */
function manager(address: UnixAddress): () => string | null {
  const fd = addon.listenUnix('dgram', address);
  fds.push(fd);
  return () => {
    const buffer = Buffer.alloc(100);
    const message = addon.receiveMessage(fd, buffer);
    return message === null ? null : buffer.subarray(0, message.bytes).toString();
  };
}

describe('sd_notify', () => {
  it('tells a manager at a path', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'notify-'));
    const next = manager({ path: join(dir, 'notify') });
    const notifier = createNotifier({ NOTIFY_SOCKET: join(dir, 'notify') });
    expect(notifier.notify('READY=1')).toBe(true);
    expect(notifier.notify('STOPPING=1')).toBe(true);
    expect([next(), next(), next()]).toEqual(['READY=1', 'STOPPING=1', null]);
    await rm(dir, { recursive: true });
  });

  it('tells a manager at an abstract name', () => {
    const name = `notify-test-${process.pid}`;
    const next = manager({ abstract: name });
    expect(createNotifier({ NOTIFY_SOCKET: `@${name}` }).notify('READY=1')).toBe(true);
    expect(next()).toBe('READY=1');
  });

  it('without a manager says nothing', () => {
    for (const name of [undefined, '', '@', 'relative', '/nonexistent/notify', `/${'x'.repeat(200)}`]) {
      const env = name === undefined ? {} : { NOTIFY_SOCKET: name };
      expect(createNotifier(env).notify('READY=1')).toBe(false);
    }
  });
});

describe('watchdog', () => {
  const base = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' };
  it.each<[string, NodeJS.ProcessEnv, number | null]>([
    ['half of what is allowed', base, 15_000],
    ['of this process', { ...base, WATCHDOG_PID: '77' }, 15_000],
    ['not of another one', { ...base, WATCHDOG_PID: '78' }, null],
    ['none', { NOTIFY_SOCKET: '/x' }, null],
    ['none without a manager', { WATCHDOG_USEC: '1000' }, null],
    ['no number', { ...base, WATCHDOG_USEC: '1e6' }, null],
    ['nothing', { ...base, WATCHDOG_USEC: '0' }, null],
  ])('%s', (_name, env, expected) => {
    expect(createNotifier(env, 77).watchdogMs).toBe(expected);
  });
});
