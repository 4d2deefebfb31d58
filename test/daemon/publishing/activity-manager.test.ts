import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActivityManager } from '../../../src/daemon/publishing/activity-manager.js';
import { loadAddon } from '../../../src/platform/addon.js';

const addon = loadAddon();
let dir: string;
let path: string;
let server: Server | undefined;
const connections: Socket[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'am-'));
  path = join(dir, 'socket');
});

afterEach(async () => {
  for (const socket of connections.splice(0)) socket.destroy();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = undefined;
  await rm(dir, { recursive: true });
});

async function listenWith(handle: (socket: Socket) => void): Promise<void> {
  const listening = createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    handle(socket);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path, resolve));
}

const text = Buffer.from('pid: 5, tid: 6\n');

describe('activity manager', () => {
  it('gets the notification and acknowledges it', async () => {
    const chunks: Buffer[] = [];
    await listenWith((socket) => {
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        if (chunk.at(-1) === 0) socket.end(Uint8Array.of(0));
      });
    });
    const manager = await ActivityManager.connect(path);
    expect(await manager?.notify(5, 11, text)).toBe('acknowledged');
    manager?.close();
    expect(Buffer.concat(chunks)).toEqual(
      Buffer.concat([Buffer.from([0, 0, 0, 5, 0, 0, 0, 11]), text, Buffer.from([0])]),
    );
  });

  it('may never answer', async () => {
    await listenWith((socket) => socket.resume());
    const manager = await ActivityManager.connect(path, { sendMs: 50, ackMs: 50 });
    expect(await manager?.notify(5, 11, text)).toBe('not acknowledged');
    manager?.close();
  });

  it('may close without an answer', async () => {
    await listenWith((socket) => socket.on('data', () => socket.end()));
    const manager = await ActivityManager.connect(path);
    expect(await manager?.notify(5, 11, text)).toBe('not acknowledged');
    manager?.close();
  });

  it('may never read', async () => {
    await listenWith((socket) => socket.pause());
    const manager = await ActivityManager.connect(path, { sendMs: 50, ackMs: 50 });
    const long = new Uint8Array(256 * 1024).fill(0x61);
    // How much the socket takes before it is full is the system's choice.
    expect(await manager?.notify(5, 11, long)).toMatch(/^not (sent|acknowledged)$/);
    manager?.close();
  });

  it('that is not there, or is no socket, or takes nobody, is none', async () => {
    expect(await ActivityManager.connect(path)).toBeNull();
    expect(await ActivityManager.connect(dir)).toBeNull();
    // A backlog of zero holds one connection.
    const fd = addon.listenUnix('stream', { path }, { backlog: 0 });
    const first = addon.connectUnix('stream', { path });
    expect(await ActivityManager.connect(path, { sendMs: 60, ackMs: 50 })).toBeNull();
    for (const open of [first, fd]) addon.closeFd(open);
  });

  it('is waited for while its backlog is full', async () => {
    const fd = addon.listenUnix('stream', { path }, { backlog: 0 });
    const first = addon.connectUnix('stream', { path });
    const connecting = ActivityManager.connect(path, { sendMs: 10_000, ackMs: 50 });
    const accepted = addon.acceptUnix(fd);
    const manager = await connecting;
    expect(manager).not.toBeNull();
    manager?.close();
    for (const open of [first, accepted!, fd]) addon.closeFd(open);
  });
});
