import { writeSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openRequestSockets } from '../../../src/daemon/server/listener.js';
import { RequestServer } from '../../../src/daemon/server/server.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { encodeRequest } from '../../../src/wire/request.js';
import { uniqueName } from '../socket-client.js';
import { until } from '../until.js';

const addon = loadAddon();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function keep(fd: number): number {
  cleanups.push(() => addon.closeFd(fd));
  return fd;
}

/** A server on a socket that lets descriptors through, as all do before Linux 6.16. */
function serve(answer: () => Promise<void>): { readonly client: number; readonly refusals: string[] } {
  const abstract = uniqueName('rights');
  const listener = keep(addon.listenUnix('stream', { abstract }));
  const refusals: string[] = [];
  const server = new RequestServer([listener], {
    request: answer,
    refused: (_client, reason) => refusals.push(reason),
  });
  cleanups.push(() => {
    server.stop();
    server.dropAll();
  });
  return { client: keep(addon.connectUnix('stream', { abstract })), refusals };
}

/** Sends the only read end of a pipe along; whether that is open still. */
function sendWithPipe(client: number, bytes: Uint8Array): () => boolean {
  const [reader, writer] = addon.pipe(true);
  keep(writer);
  addon.sendMessage(client, bytes, [reader]);
  addon.closeFd(reader);
  return () => {
    try {
      writeSync(writer, 'x');
      return true;
    } catch {
      return false;
    }
  };
}

/** The answer has ended: with a reset, since something was left unread. */
function isClosed(client: number): boolean {
  try {
    return addon.receivePlain(client, Buffer.alloc(1)) === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  }
}

describe('descriptors that a client sends', () => {
  it('are not closed by the daemon: another process drops them with the socket', async () => {
    const { client, refusals } = serve(async () => {});
    const isOpen = sendWithPipe(client, encodeRequest('crash', 77));
    await until(() => refusals.length > 0, 'the client is refused');
    expect(refusals).toEqual(['it sent descriptors']);
    expect(isOpen()).toBe(true);
    await until(() => !isOpen(), 'the descriptor is closed');
    expect(isClosed(client)).toBe(true);
  });

  it('are not closed either when they come behind the request', async () => {
    let arrived = false;
    let finish!: () => void;
    const answered = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { client, refusals } = serve(() => {
      arrived = true;
      return answered;
    });
    addon.sendMessage(client, encodeRequest('crash', 77));
    await until(() => arrived, 'the request has come');
    const isOpen = sendWithPipe(client, Buffer.of(1));
    finish();
    // One more turn of the loop: the answer is given, the client let go.
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isOpen()).toBe(true);
    await until(() => !isOpen(), 'the descriptor is closed');
    expect(isClosed(client)).toBe(true);
    expect(refusals).toEqual([]);
  });

  it('cannot be sent where the kernel lets a socket refuse them', () => {
    const [probe, other] = addon.socketPair('stream');
    keep(probe);
    keep(other);
    if (!addon.refuseRights(probe)) return;
    const abstract = uniqueName('refusing');
    const [socket] = openRequestSockets([abstract], {});
    cleanups.push(() => socket!.close());
    const client = keep(addon.connectUnix('stream', { abstract }));
    expect(() => addon.sendMessage(client, Buffer.of(1), [client])).toThrow('EPERM');
  });
});
