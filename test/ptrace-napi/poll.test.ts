import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { loadAddon, type Poller } from '../../src/platform/addon.js';
import { addonFile, startPlain, thrown } from './target.js';

const addon = loadAddon();
const { READABLE, WRITABLE, DISCONNECT } = addon.constants;

/** Resolves with the first event. */
function firstEvent(fd: number, events: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const poller = addon.poll(fd, events, (error, seen) => {
      poller.close();
      if (error) reject(error);
      else resolve(seen);
    });
  });
}

async function withPair(body: (a: number, b: number) => Promise<void>): Promise<void> {
  const [a, b] = addon.socketPair('seqpacket', true);
  try {
    await body(a, b);
  } finally {
    addon.closeFd(a);
    addon.closeFd(b);
  }
}

describe('poll', () => {
  test('tells readable, writable, disconnected', async () => {
    await withPair(async (a, b) => {
      expect(await firstEvent(a, READABLE | WRITABLE)).toBe(WRITABLE);
      const readable = firstEvent(a, READABLE);
      addon.sendMessage(b, Buffer.from('x'));
      expect(await readable).toBe(READABLE);
      addon.shutdown(b, 'both');
      expect(await firstEvent(a, DISCONNECT)).toBe(DISCONNECT);
    });
  });

  test('accepts connections', async () => {
    const address = { abstract: `ptrace-napi-poll-${process.pid}` };
    const listener = addon.listenUnix('seqpacket', address);
    const ready = firstEvent(listener, READABLE);
    const client = addon.connectUnix('seqpacket', address);
    await ready;
    const server = addon.acceptUnix(listener)!;
    for (const fd of [server, client, listener]) addon.closeFd(fd);
  });

  test('tells the end of a process by its pidfd', async () => {
    const { pid, output } = startPlain('/bin/true', []);
    const pidfd = addon.pidfdOpen(pid);
    await firstEvent(pidfd, READABLE);
    expect(addon.reap(pid)).toEqual({ exitCode: 0, signal: null });
    addon.closeFd(pidfd);
    addon.closeFd(output);
  });

  test('update changes what is awaited, 0 pauses', async () => {
    await withPair(async (a, b) => {
      const seen: number[] = [];
      const poller = addon.poll(a, 0, (_error, events) => {
        seen.push(events);
        poller.update(0);
      });
      addon.sendMessage(b, Buffer.from('x'));
      await turn();
      await turn();
      expect(seen).toEqual([]);
      poller.update(WRITABLE);
      while (seen.length < 1) await turn();
      poller.update(READABLE);
      while (seen.length < 2) await turn();
      expect(seen).toEqual([WRITABLE, READABLE]);
      poller.close();
      poller.close();
      expect(thrown(() => poller.update(READABLE))).toMatchObject({ code: 'EBADF' });
      poller.ref();
      poller.unref();
    });
  });

  test('a peer that resets shows in the read, not as a bad descriptor', async () => {
    await withPair(async (a) => {
      const [c, d] = addon.socketPair('stream', true);
      addon.sendMessage(c, Buffer.from('unread'));
      const event = firstEvent(c, READABLE);
      addon.closeFd(d);
      expect((await event) & READABLE).toBe(READABLE);
      expect(thrown(() => addon.receiveMessage(c, Buffer.alloc(4)))).toMatchObject({ code: 'ECONNRESET' });
      addon.closeFd(c);
      expect(a).toBeGreaterThan(0);
    });
  });

  test('refuses what cannot be polled', async () => {
    await withPair(async (a) => {
      const poller = addon.poll(a, READABLE, () => {});
      expect(thrown(() => addon.poll(a, READABLE, () => {}))).toMatchObject({ code: 'EEXIST', syscall: 'poll' });
      poller.close();
      await turn();
      await firstEvent(a, WRITABLE);
    });
    const file = addon.memfdCreate('file');
    expect(thrown(() => addon.poll(file, READABLE, () => {}))).toMatchObject({ code: 'EPERM' });
    addon.closeFd(file);
    expect(thrown(() => addon.poll(file, READABLE, () => {}))).toMatchObject({ code: 'EBADF' });
  });

  test('methods on other objects are refused', async () => {
    await withPair(async (a) => {
      const poller = addon.poll(a, READABLE, () => {});
      for (const other of [undefined, null, {}, 1, Object.create(poller), new Map()]) {
        for (const method of ['close', 'ref', 'unref', 'update'] as const) {
          expect(thrown(() => (poller[method] as () => void).call(other))).toBeInstanceOf(TypeError);
        }
      }
      const Class = poller.constructor as new () => Poller;
      expect(thrown(() => new Class().close())).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
      poller.close();
    });
  });

  test('an exception in the callback is uncaught, as from any event', async () => {
    await withPair(async (a) => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      try {
        const uncaught = once(process, 'uncaughtException');
        const poller = addon.poll(a, WRITABLE, () => {
          poller.close();
          throw new Error('from the callback');
        });
        expect((await uncaught)[0]).toMatchObject({ message: 'from the callback' });
      } finally {
        for (const listener of listeners) process.on('uncaughtException', listener);
      }
    });
  });
});

describe('the end of an environment', () => {
  const load = `const target = { exports: {} }; process.dlopen(target, ${JSON.stringify(addonFile)}); const addon = target.exports;`;

  test('a worker that ends with open pollers, by itself, by exit and by force', async () => {
    const bodies = [
      'const [a] = addon.socketPair("stream"); addon.poll(a, 1, () => {}).unref();',
      'const [a] = addon.socketPair("stream"); addon.poll(a, 2, () => process.exit(0));',
      'const [a] = addon.socketPair("stream"); addon.poll(a, 1, () => {}).close(); process.exit(0)',
      'const [a] = addon.socketPair("stream"); let p = addon.poll(a, 2, () => { p.close(); addon.closeFd(a); p = null; })',
    ];
    for (const body of bodies) {
      const worker = new Worker(load + body, { eval: true });
      expect(await once(worker, 'exit')).toEqual([0]);
    }
    const worker = new Worker(
      `${load} const [a] = addon.socketPair("stream");
       addon.poll(a, 1, () => {}); require("node:worker_threads").parentPort.postMessage(0);`,
      { eval: true },
    );
    await once(worker, 'message');
    expect(await worker.terminate()).toBe(1);
  });

  test('a forced collection of closed pollers', async () => {
    const worker = new Worker(
      `${load}
       require("node:v8").setFlagsFromString("--expose-gc");
       const gc = require("node:vm").runInNewContext("gc");
       const [a] = addon.socketPair("stream");
       let left = 200;
       (function next() {
         const poller = addon.poll(a, 2, () => {
           poller.close();
           if (left % 10 === 0) gc();
           if (--left) setImmediate(next);
         });
       })();`,
      { eval: true },
    );
    expect(await once(worker, 'exit')).toEqual([0]);
  });
});
