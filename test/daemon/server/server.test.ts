import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/daemon/server/client.js';
import { openRequestSockets } from '../../../src/daemon/server/listener.js';
import { RequestServer, type ServerOptions } from '../../../src/daemon/server/server.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { type DebuggerRequest, encodeRequest } from '../../../src/wire/request.js';
import { connectTo, uniqueName } from '../socket-client.js';
import { until } from '../until.js';

const addon = loadAddon();
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Served {
  readonly name: string;
  readonly server: RequestServer;
  readonly requests: DebuggerRequest[];
  readonly refusals: string[];
}

/** A server whose answer to every request is `answer`. */
function serve(
  options: ServerOptions = {},
  answer: (client: Client, request: DebuggerRequest) => Promise<void> = async () => {},
): Served {
  const name = uniqueName('server');
  const socket = openRequestSockets([name], {})[0]!;
  const requests: DebuggerRequest[] = [];
  const refusals: string[] = [];
  const server = new RequestServer(
    [socket.fd],
    {
      request: async (client, request) => {
        requests.push(request);
        await answer(client, request);
      },
      refused: (_client, reason) => refusals.push(reason),
    },
    options,
  );
  cleanups.push(async () => {
    server.stop();
    server.dropAll();
    await server.drained();
    socket.close();
  });
  return { name, server, requests, refusals };
}

const request = encodeRequest('crash', 77);

describe('request server', () => {
  it('knows who asks and what', async () => {
    const seen: unknown[] = [];
    const { name, requests } = serve({}, async (client) => {
      seen.push(client.credentials, client.isConnected(), client.isPeerAlive());
    });
    expect(await connectTo({ abstract: name }, request).answer).toBe('');
    expect(requests).toEqual([{ kind: 'crash', tid: 77, abortMessageAddress: 0, originalSiCode: 0 }]);
    expect(seen).toEqual([{ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }, true, true]);
  });

  it('knows that who asked has ended', async () => {
    // Its pid may be another's by then, and what is read of it another's facts.
    const alive: boolean[] = [];
    let program: ChildProcess | undefined;
    const { name, requests } = serve({}, async (client) => {
      alive.push(client.isPeerAlive());
      const ended = once(program!, 'exit');
      program!.stdin!.end();
      await ended;
      alive.push(client.isPeerAlive());
    });
    const script = `
      const addon = require(process.argv[1]);
      const fd = addon.connectUnix('stream', { abstract: process.argv[2] });
      addon.sendMessage(fd, Buffer.from(process.argv[3], 'hex'));
      process.stdin.resume();`;
    const path = fileURLToPath(new URL('../../../native/ptrace-napi', import.meta.url));
    program = spawn(process.execPath, ['-e', script, path, name, Buffer.from(request).toString('hex')], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    await until(() => alive.length === 2, 'the asking process has ended');
    expect(requests).toHaveLength(1);
    expect(alive).toEqual([true, false]);
  });

  it.each([1, 19, 21, 40, 5000])('refuses a request of %i bytes', async (size) => {
    const { name, requests, refusals } = serve();
    const client = connectTo({ abstract: name }, new Uint8Array(size));
    expect(await client.answer).toBe('');
    // More than it wants to know is cut.
    expect(refusals).toEqual([`invalid crash request of size ${Math.min(size, 40)}`]);
    expect(requests).toEqual([]);
  });

  it('refuses a client that leaves without a word', async () => {
    const { name, refusals } = serve();
    connectTo({ abstract: name }).socket.end();
    await until(() => refusals.length === 1, 'it is refused');
    expect(refusals).toEqual(['invalid crash request of size 0']);
  });

  it('drops a silent client at the deadline, and serves others meanwhile', async () => {
    const { name, server, refusals } = serve({ requestDeadlineMs: 200 });
    const silent = connectTo({ abstract: name });
    expect(await connectTo({ abstract: name }, request).answer).toBe('');
    expect(refusals).toEqual([]);
    expect(await silent.answer).toBe('');
    expect(refusals).toEqual(['timed out reading tid']);
    await until(() => server.clients === 0, 'all clients are gone');
  });

  it('survives a flood: old silent clients make room, and descriptors do not pile up', async () => {
    const { name, server, requests, refusals } = serve({
      // Not root's tests are one user's: the bound for all is the one looked at.
      limits: { total: 20, perUid: 1000, forRoot: 0 },
      requestDeadlineMs: 60_000,
    });
    const flood = Array.from({ length: 200 }, () => connectTo({ abstract: name }));
    expect(await connectTo({ abstract: name }, request).answer).toBe('');
    expect(requests).toHaveLength(1);
    expect(server.clients).toBeLessThanOrEqual(20);
    expect(refusals.length).toBeGreaterThanOrEqual(180);
    for (const { socket } of flood) socket.destroy();
    await until(() => server.clients === 0, 'all clients are gone');
  });

  it('reports a handler that fails, closes its client and goes on', async () => {
    let failures = 1;
    const { name, refusals } = serve({}, async (client) => {
      if (failures-- > 0) throw new Error('a mistake');
      await client.write(Buffer.from('fine'), 1000);
    });
    expect(await connectTo({ abstract: name }, request).answer).toBe('');
    expect(refusals[0]).toMatch(/^internal error: Error: a mistake/);
    expect(await connectTo({ abstract: name }, request).answer).toBe('fine');
  });

  it('stops accepting, and finishes what is under way', async () => {
    let answer: (() => void) | undefined;
    const { name, server } = serve({}, async (client) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      await client.write(Buffer.from('late'), 1000);
    });
    const client = connectTo({ abstract: name }, request);
    await until(() => answer !== undefined, 'the request is under way');
    server.stop();
    answer?.();
    await server.drained();
    expect(await client.answer).toBe('late');
  });
});

describe('client', () => {
  it('is written to whole, however slowly it reads', async () => {
    const text = Buffer.alloc(3_000_000, 'The quick brown fox. ');
    const results: boolean[] = [];
    const { name } = serve({}, async (client) => {
      const memfd = addon.memfdCreate('text');
      const { writeSync } = await import('node:fs');
      writeSync(memfd, text);
      results.push(await client.writeFrom(memfd, text.length, 20_000));
      addon.closeFd(memfd);
    });
    const client = connectTo({ abstract: name }, request);
    client.socket.pause();
    await until(() => client.socket.bytesRead > 0 || client.socket.isPaused(), 'it is connected');
    client.socket.resume();
    expect((await client.answer).length).toBe(text.length);
    expect(results).toEqual([true]);
  });

  it('that does not read is given up at the deadline', async () => {
    const results: boolean[] = [];
    const { name } = serve({}, async (client) => {
      results.push(await client.write(new Uint8Array(8_000_000), 100));
    });
    const fd = addon.connectUnix('stream', { abstract: name });
    addon.sendMessage(fd, request);
    await until(() => results.length > 0, 'the write is over');
    addon.closeFd(fd);
    expect(results).toEqual([false]);
  });

  it('that has gone is noticed', async () => {
    const results: boolean[] = [];
    const { name } = serve({}, async (client) => {
      await until(() => !client.isConnected(), 'the client has gone');
      results.push(await client.write(new Uint8Array(10), 1000));
    });
    const fd = addon.connectUnix('stream', { abstract: name });
    addon.sendMessage(fd, request);
    addon.closeFd(fd);
    await until(() => results.length > 0, 'the write is over');
    expect(results).toEqual([false]);
  });
});
