import { writeSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/platform/addon.js';
import { thrown } from './target.js';

const addon = loadAddon();
const open = new Set<number>();
let count = 0;

afterEach(() => {
  for (const fd of open) addon.closeFd(fd);
  open.clear();
});

const keep = (fd: number): number => {
  open.add(fd);
  return fd;
};
const close = (fd: number): void => {
  open.delete(fd);
  addon.closeFd(fd);
};

/** Two ends of a connection to a listener with this option. */
function connection(passRights: boolean): { client: number; server: number } {
  const address = { abstract: `ptrace-napi-rights-${process.pid}-${count++}` };
  const listener = keep(addon.listenUnix('stream', address, { passRights }));
  const client = keep(addon.connectUnix('stream', address));
  return { client, server: keep(addon.acceptUnix(listener)!) };
}

/** Sends the only read end of a pipe; the write end tells whether it is open still. */
function sendPipe(fd: number, bytes: string, flags = 0): () => boolean {
  const [reader, writer] = addon.pipe(true);
  keep(writer);
  addon.sendMessage(fd, Buffer.from(bytes), [reader], flags);
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

const receive = (fd: number, size = 40): string | number | null => {
  const buffer = Buffer.alloc(size);
  const bytes = addon.receivePlain(fd, buffer);
  return bytes === null || bytes <= 0 ? bytes : buffer.toString('latin1', 0, bytes);
};

/** Closes as the function under test does, and forgets the descriptor when that has worked. */
function closeWithoutRights(fd: number): boolean {
  const closed = addon.closeWithoutRights(fd);
  if (closed) open.delete(fd);
  return closed;
}

const refusal = (() => {
  const [a, b] = addon.socketPair('stream');
  try {
    return addon.refuseRights(a);
  } finally {
    addon.closeFd(a);
    addon.closeFd(b);
  }
})();

describe.runIf(refusal)('refused descriptors', () => {
  test('fail at the sender, from the listener on; bytes come', () => {
    const { client, server } = connection(false);
    expect(addon.takesRights(server)).toBe(false);
    expect(thrown(() => addon.sendMessage(client, Buffer.from('x'), [client]))).toMatchObject({ code: 'EPERM' });
    addon.sendMessage(client, Buffer.from('bytes'));
    expect(receive(server)).toBe('bytes');
  });

  test('can be refused later too', () => {
    const { client, server } = connection(true);
    expect(addon.takesRights(server)).toBe(true);
    expect(addon.refuseRights(server)).toBe(true);
    expect(thrown(() => addon.sendMessage(client, Buffer.from('x'), [client]))).toMatchObject({ code: 'EPERM' });
  });
});

describe('descriptors that nobody takes', () => {
  test('stay in the queue, with their bytes', () => {
    const { client, server } = connection(true);
    expect(addon.takesRights(server)).toBe(true);
    const isOpen = sendPipe(client, 'request');
    expect(receive(server)).toBe(-1);
    expect(addon.receivePlain(server, Buffer.alloc(1), true)).toBe(1);
    expect(isOpen()).toBe(true);
    close(server);
    expect(isOpen()).toBe(false);
  });

  test('right behind plain bytes keep those from being received', () => {
    const { client, server } = connection(true);
    addon.takesRights(server);
    addon.sendMessage(client, Buffer.from('plain'));
    expect(receive(server, 3)).toBe('pla');
    const isOpen = sendPipe(client, 'x');
    // The kernel looks one message further than was asked for.
    expect(receive(server, 1)).toBe(-1);
    expect(isOpen()).toBe(true);
  });

  test('out of band are seen too', () => {
    const { client, server } = connection(true);
    addon.takesRights(server);
    const MSG_OOB = 1;
    const isOpen = sendPipe(client, 'x', MSG_OOB);
    expect(receive(server)).toBe(-1);
    expect(closeWithoutRights(server)).toBe(false);
    expect(isOpen()).toBe(true);
  });
});

describe('a close', () => {
  test('does not happen while descriptors wait, and no more of them come', () => {
    const { client, server } = connection(true);
    addon.takesRights(server);
    addon.sendMessage(client, Buffer.from('unread'));
    const isOpen = sendPipe(client, 'x');
    expect(closeWithoutRights(server)).toBe(false);
    expect(isOpen()).toBe(true);
    expect(thrown(() => addon.sendMessage(client, Buffer.from('x')))).toMatchObject({ code: 'EPIPE' });
  });

  test('happens with any number of plain bytes unread, with none, and when the peer is gone', () => {
    for (const prepare of [
      (client: number) => addon.sendMessage(client, Buffer.alloc(150_000)),
      () => {},
      (client: number) => close(client),
      (client: number, server: number) => {
        // The peer leaves with something unread: a reset.
        addon.sendMessage(server, Buffer.from('answer'));
        close(client);
      },
    ]) {
      const { client, server } = connection(true);
      addon.takesRights(server);
      prepare(client, server);
      expect(closeWithoutRights(server)).toBe(true);
      expect(thrown(() => addon.takesRights(server))).toMatchObject({ code: 'EBADF' });
    }
  });
});

test('receiving tells the end from nothing yet', () => {
  const { client, server } = connection(false);
  expect(receive(server)).toBeNull();
  close(client);
  expect(receive(server)).toBe(0);
});
