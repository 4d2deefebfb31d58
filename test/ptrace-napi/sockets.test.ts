import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadAddon, type SocketType } from '../../src/platform/addon.js';
import { missing } from '../requirements.js';
import { temporaryDirectory, thrown } from './target.js';

const addon = loadAddon();
const directory = temporaryDirectory();
let count = 0;
const uniqueName = () => `ptrace-napi-test-${process.pid}-${count++}`;

/** Closes what it was given. */
function closing<T>(body: (keep: (fd: number) => number) => T): T {
  const fds: number[] = [];
  try {
    return body((fd) => {
      fds.push(fd);
      return fd;
    });
  } finally {
    for (const fd of fds) addon.closeFd(fd);
  }
}

const isCloexec = (fd: number) => {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!;
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
};

describe.each<SocketType>(['stream', 'seqpacket'])('%s', (type) => {
  test.each(['abstract', 'path'])('%s: listen, connect, accept, talk both ways', (kind) => {
    closing((keep) => {
      const name = uniqueName();
      const address = kind === 'path' ? { path: join(directory, name) } : { abstract: name };
      const listener = keep(addon.listenUnix(type, address));
      expect(addon.acceptUnix(listener)).toBeNull();
      const client = keep(addon.connectUnix(type, address));
      const server = keep(addon.acceptUnix(listener, false)!);
      for (const fd of [listener, client, server]) expect(isCloexec(fd)).toBe(true);
      expect(addon.sendMessage(client, Buffer.from('ping'))).toBe(4);
      const buffer = Buffer.alloc(16);
      expect(addon.receiveMessage(server, buffer)).toMatchObject({ bytes: 4, fds: [], truncated: false });
      expect(buffer.toString('latin1', 0, 4)).toBe('ping');
      expect(addon.sendMessage(server, Buffer.from('pong'))).toBe(4);
      expect(addon.receiveMessage(client, buffer)).toMatchObject({ bytes: 4 });
      addon.shutdown(client, 'write');
      expect(addon.receiveMessage(server, buffer)).toMatchObject({ bytes: 0 });
      expect(addon.peerCredentials(server)).toEqual({
        pid: process.pid,
        uid: process.getuid!(),
        gid: process.getgid!(),
      });
    });
  });
});

const withoutPython = missing('python3');

test.skipIf(withoutPython)(`abstract names have their exact length, as others see them${withoutPython}`, async () => {
  const name = uniqueName();
  const listener = addon.listenUnix('stream', { abstract: name });
  try {
    const line = readFileSync('/proc/net/unix', 'latin1')
      .split('\n')
      .find((row) => row.includes(name))!;
    expect(line.endsWith(` @${name}`)).toBe(true); // padding would show as further @
    // A foreign client that uses the exact length.
    const script = `import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect("\\0"+sys.argv[1]); s.send(b"x")`;
    await promisify(execFile)('/usr/bin/python3', ['-c', script, name]);
    const server = addon.acceptUnix(listener)!;
    expect(addon.receiveMessage(server, Buffer.alloc(4))).toMatchObject({ bytes: 1 });
    addon.closeFd(server);
  } finally {
    addon.closeFd(listener);
  }
});

test('an abstract name may hold any byte, and its length tells names apart', () => {
  closing((keep) => {
    const name = Buffer.concat([Buffer.from(uniqueName()), Buffer.from([0, 255, 0])]);
    keep(addon.listenUnix('stream', { abstract: name }));
    keep(addon.connectUnix('stream', { abstract: name }));
    const shorter = thrown(() => addon.connectUnix('stream', { abstract: name.subarray(0, -1) }));
    expect(shorter).toMatchObject({ code: 'ECONNREFUSED', errno: 111, syscall: 'connect' });
    keep(addon.listenUnix('stream', { abstract: name.subarray(0, -1) }));
    const longest = Buffer.alloc(107, 0x7a);
    longest.write(uniqueName());
    keep(addon.listenUnix('stream', { abstract: longest }));
    keep(addon.connectUnix('stream', { abstract: longest }));
  });
});

test('a path socket has the mode asked for, whatever the umask, and is not replaced', () => {
  closing((keep) => {
    const umask = process.umask(0o077);
    try {
      const path = join(directory, uniqueName());
      keep(addon.listenUnix('stream', { path }, { mode: 0o666 }));
      expect(statSync(path).mode & 0o7777).toBe(0o666);
      expect(thrown(() => addon.listenUnix('stream', { path }))).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind' });
    } finally {
      process.umask(umask);
    }
    expect(thrown(() => addon.connectUnix('stream', { path: join(directory, 'none') }))).toMatchObject({
      code: 'ENOENT',
    });
    mkdirSync(join(directory, 'plain'));
    writeFileSync(join(directory, 'file'), '');
    expect(thrown(() => addon.connectUnix('stream', { path: join(directory, 'file') }))).toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});

test('a full backlog: connect gives up when it was told to', () => {
  closing((keep) => {
    const address = { abstract: uniqueName() };
    keep(addon.listenUnix('stream', address, { backlog: 0 }));
    keep(addon.connectUnix('stream', address, { timeoutMs: 0 }));
    expect(thrown(() => addon.connectUnix('stream', address, { timeoutMs: 0 }))).toMatchObject({ code: 'ETIMEDOUT' });
    const start = performance.now();
    expect(thrown(() => addon.connectUnix('stream', address, { timeoutMs: 30 }))).toMatchObject({ code: 'ETIMEDOUT' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
  });
});

test('connect leaves the descriptor blocking or not, as asked', () => {
  closing((keep) => {
    const address = { abstract: uniqueName() };
    keep(addon.listenUnix('stream', address));
    for (const timeoutMs of [0, 50]) {
      const open = keep(addon.connectUnix('stream', address, { timeoutMs, nonBlocking: true }));
      expect(addon.receiveMessage(open, Buffer.alloc(1))).toBeNull();
      const blocking = keep(addon.connectUnix('stream', address, { timeoutMs }));
      addon.setTimeouts(blocking, { receiveMs: 20 });
      const start = performance.now();
      expect(addon.receiveMessage(blocking, Buffer.alloc(1))).toBeNull();
      expect(performance.now() - start).toBeGreaterThanOrEqual(19);
    }
  });
});

test('datagrams: bound, connected, sent', () => {
  closing((keep) => {
    const address = { abstract: uniqueName() };
    const receiver = keep(addon.listenUnix('dgram', address));
    const sender = keep(addon.connectUnix('dgram', address));
    addon.sendMessage(sender, Buffer.from('one'));
    addon.sendMessage(sender, Buffer.alloc(0));
    const buffer = Buffer.alloc(2);
    expect(addon.receiveMessage(receiver, buffer)).toMatchObject({ bytes: 2, truncated: true });
    expect(addon.receiveMessage(receiver, buffer)).toMatchObject({ bytes: 0, truncated: false });
    expect(addon.receiveMessage(receiver, buffer)).toBeNull();
  });
});

test('peerPidfd names the peer, where the kernel has it', () => {
  closing((keep) => {
    const [a, b] = addon.socketPair('seqpacket').map(keep) as [number, number];
    const pidfd = addon.peerPidfd(a);
    if (pidfd !== null) {
      keep(pidfd);
      expect(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1')).toContain(`Pid:\t${process.pid}\n`);
    }
    expect(addon.peerCredentials(b).pid).toBe(process.pid);
    expect(thrown(() => addon.peerCredentials(keep(addon.pipe()[0])))).toMatchObject({ code: 'ENOTSOCK' });
  });
});

test('buffer sizes change how much fits', () => {
  closing((keep) => {
    const [a, b] = addon.socketPair('stream', true).map(keep) as [number, number];
    const fill = () => {
      let total = 0;
      for (let sent = addon.sendMessage(a, Buffer.alloc(4096)); sent !== null; ) {
        total += sent;
        sent = addon.sendMessage(a, Buffer.alloc(4096));
      }
      return total;
    };
    addon.setBufferSizes(a, { send: 8192 });
    const small = fill();
    addon.setBufferSizes(a, { send: 200_000 });
    addon.setBufferSizes(b, { receive: 200_000 });
    expect(fill()).toBeGreaterThan(small);
  });
});
