import { lstatSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Listener, startListener } from '../../src/cli/listen.js';
import { loadAddon } from '../../src/platform/addon.js';
import { encodeNotification } from '../../src/wire/activity-manager.js';
import { connectTo } from '../daemon/socket-client.js';

let dir: string;
let path: string;
let printed: string[];
const listeners: Listener[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'listen-'));
  path = join(dir, 'ndebugsocket');
  printed = [];
});

afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  await rm(dir, { recursive: true });
});

async function start(connectionMs?: number): Promise<Listener> {
  const listener = await startListener(path, (text) => printed.push(text), connectionMs);
  listeners.push(listener);
  return listener;
}

const send = (bytes: Uint8Array): Promise<string> => connectTo({ path }, bytes).answer;

describe('debuggerd listen', () => {
  it('prints a notification and acknowledges it', async () => {
    await start();
    expect(await send(encodeNotification(258, 11, Buffer.from('pid: 258\n')))).toBe('\0');
    expect(printed).toEqual(['native crash: pid 258, signal 11\npid: 258\n']);
  });

  it('takes the end of the stream as the end, and acknowledges that too', async () => {
    await start();
    const bytes = encodeNotification(7, 6, Buffer.from('no end'));
    const client = connectTo({ path });
    client.socket.end(bytes.subarray(0, -1));
    expect(await client.answer).toBe('\0');
    expect(printed).toEqual(['native crash: pid 7, signal 6\nno end\n']);
  });

  it('acknowledges nonsense as well, and says what it was', async () => {
    await start();
    const client = connectTo({ path });
    client.socket.end(new Uint8Array(5));
    expect(await client.answer).toBe('\0');
    expect(await send(encodeNotification(-1, 6, Buffer.from('x')))).toBe('\0');
    expect(printed).toEqual([
      '(notification ends after 5 of 8 header bytes)\n',
      '(notification of the impossible pid -1)\n',
    ]);
  });

  it('shows control characters instead of sending them to the terminal', async () => {
    await start();
    await send(encodeNotification(1, 11, Buffer.from('a\u001b[2J\r\tb\u009b\n')));
    expect(printed).toEqual(['native crash: pid 1, signal 11\na\\u{1b}[2J\\u{d}\tb\\u{9b}\n']);
  });

  it('drops a connection that says nothing', async () => {
    await start(50);
    expect(await connectTo({ path }).answer).toBe('');
    expect(printed).toEqual([]);
  });

  it('lets every user connect, and removes its socket at the end', async () => {
    const listener = await start();
    expect(lstatSync(path).mode & 0o777).toBe(0o777);
    await listener.close();
    expect(() => lstatSync(path)).toThrow('ENOENT');
  });

  it('takes over a socket that was left behind, and nothing else', async () => {
    const addon = loadAddon();
    addon.closeFd(addon.listenUnix('stream', { path }));
    await start();
    await expect(startListener(path, () => {})).rejects.toThrow(`cannot listen on ${path}: something listens there`);
    await new Promise<void>((resolve) => {
      const client = connect(path, () => {
        client.destroy();
        resolve();
      });
    });
    const file = join(dir, 'file');
    writeFileSync(file, 'precious');
    await expect(startListener(file, () => {})).rejects.toThrow(`cannot listen on ${file}`);
    expect(lstatSync(file).size).toBe(8);
  });
});
