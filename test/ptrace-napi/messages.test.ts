import { readdirSync, readSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../src/platform/addon.js';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { thrown } from './target.js';

const addon = loadTracingAddon();

function withPair(body: (a: number, b: number) => void, nonBlocking = true): void {
  const [a, b] = addon.socketPair('seqpacket', nonBlocking);
  try {
    body(a, b);
  } finally {
    addon.closeFd(a);
    addon.closeFd(b);
  }
}

const openFds = () => readdirSync('/proc/self/fd').length;

function receive(fd: number, size: number, maxFds?: number): ReceivedMessage {
  const message = addon.receiveMessage(fd, Buffer.alloc(size), maxFds);
  if (!message) throw new Error('no message');
  return message;
}

describe('descriptors', () => {
  test('arrive as descriptors of the same files, in order', () => {
    withPair((a, b) => {
      const before = openFds();
      const [r1, w1] = addon.pipe();
      const [r2, w2] = addon.pipe();
      expect(addon.sendMessage(a, Buffer.from('x'), [w2, w1])).toBe(1);
      addon.closeFd(w1);
      addon.closeFd(w2);
      const { fds, fdsTruncated } = receive(b, 8, 2);
      expect([fds.length, fdsTruncated]).toEqual([2, false]);
      writeSync(fds[0]!, 'second');
      writeSync(fds[1]!, 'first');
      const buffer = Buffer.alloc(6);
      readSync(r1, buffer);
      expect(buffer.toString('latin1', 0, 5)).toBe('first');
      readSync(r2, buffer);
      expect(buffer.toString('latin1')).toBe('second');
      for (const fd of [...fds, r1, r2]) addon.closeFd(fd);
      expect(openFds()).toBe(before);
    });
  });

  test('more than the receiver takes are closed, and it is said', () => {
    withPair((a, b) => {
      const before = openFds();
      addon.sendMessage(a, Buffer.from('x'), [a, b, a, b]);
      const some = receive(b, 8, 3);
      expect([some.fds.length, some.fdsTruncated]).toEqual([3, true]);
      for (const fd of some.fds) addon.closeFd(fd);
      addon.sendMessage(a, Buffer.from('x'), [a]);
      expect(receive(b, 8)).toMatchObject({ fds: [], fdsTruncated: true });
      expect(openFds()).toBe(before);
    });
  });

  test('as many as the kernel allows, and not one more', () => {
    withPair((a, b) => {
      const before = openFds();
      addon.sendMessage(a, Buffer.from('x'), new Array(253).fill(a));
      const { fds } = receive(b, 8, 253);
      expect(new Set(fds).size).toBe(253);
      for (const fd of fds) addon.closeFd(fd);
      expect(openFds()).toBe(before);
      const error = thrown(() => addon.sendMessage(a, Buffer.from('x'), new Array(254).fill(a)));
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    });
  });

  test('are close-on-exec', () => {
    withPair((a, b) => {
      addon.sendMessage(a, Buffer.from('x'), [a]);
      const [fd] = receive(b, 8, 1).fds;
      // A duplicate of what is close-on-exec would be so too only by chance; the child sees what it really inherits.
      const { pid, pidfd } = addon.spawnConfined({
        path: '/bin/sh',
        args: ['sh', '-c', `test ! -e /proc/self/fd/${fd}`],
        fds: [],
      });
      expect(addon.wait(pid, 5000)).toMatchObject({ kind: 'exited', exitCode: 0 });
      for (const each of [fd!, pidfd!]) addon.closeFd(each);
    });
  });
});

describe('messages', () => {
  test('longer than the buffer are cut, and it is said', () => {
    withPair((a, b) => {
      addon.sendMessage(a, Buffer.from('abcdef'));
      expect(receive(b, 4)).toMatchObject({ bytes: 4, truncated: true });
      addon.sendMessage(a, Buffer.from('gh'));
      expect(receive(b, 4)).toMatchObject({ bytes: 2, truncated: false });
      addon.sendMessage(a, Buffer.from('peeked'));
      const buffer = Buffer.alloc(8);
      expect(addon.receiveMessage(b, buffer, 0, addon.constants.MSG_PEEK)).toMatchObject({ bytes: 6 });
      expect(receive(b, 8)).toMatchObject({ bytes: 6 });
    });
  });

  test('credentials come when they are asked for', () => {
    withPair((a, b) => {
      addon.sendMessage(a, Buffer.from('x'));
      expect(receive(b, 8).credentials).toBeUndefined();
      addon.setPassCredentials(b, true);
      addon.sendMessage(a, Buffer.from('x'));
      expect(receive(b, 8).credentials).toEqual({
        pid: process.pid,
        uid: process.getuid!(),
        gid: process.getgid!(),
      });
      addon.setPassCredentials(b, false);
      if (!addon.setPassPidfd(b, true)) return;
      addon.sendMessage(a, Buffer.from('x'));
      const { pidfd } = receive(b, 8);
      addon.pidfdSendSignal(pidfd!, 0);
      addon.closeFd(pidfd!);
    });
  });

  test('nothing there and no room are null on non-blocking sockets', () => {
    withPair((a, b) => {
      expect(addon.receiveMessage(b, Buffer.alloc(4))).toBeNull();
      let sent = 0;
      while (addon.sendMessage(a, Buffer.alloc(1000)) !== null) sent++;
      expect(sent).toBeGreaterThan(0);
    });
  });

  test('blocking sockets block only as long as their timeouts', () => {
    withPair((a, b) => {
      addon.setTimeouts(b, { receiveMs: 20 });
      expect(addon.receiveMessage(b, Buffer.alloc(4))).toBeNull();
      expect(addon.receiveMessage(a, Buffer.alloc(4), 0, addon.constants.MSG_DONTWAIT)).toBeNull();
    }, false);
  });

  test('to a closed peer is EPIPE, and no signal', () => {
    const [a, b] = addon.socketPair('stream');
    addon.closeFd(b);
    expect(thrown(() => addon.sendMessage(a, Buffer.from('x')))).toMatchObject({ code: 'EPIPE', syscall: 'send' });
    addon.closeFd(a);
  });

  test('an array whose getters take the buffer away does no harm', () => {
    withPair((a, b) => {
      const bytes = new Uint8Array(1 << 20).fill(65);
      const fds: number[] = [];
      Object.defineProperty(fds, 0, {
        get() {
          structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
          return a;
        },
      });
      expect(addon.sendMessage(a, bytes, fds)).toBe(0);
      const message = receive(b, 8, 1);
      expect(message.bytes).toBe(0);
      for (const fd of message.fds) addon.closeFd(fd);
    });
  });
});
