import { fstatSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Channel, createChannelPair } from '../../../src/daemon/workers/channel.js';
import { loadAddon } from '../../../src/platform/addon.js';
import { MAX_FDS, MAX_MESSAGE } from '../../../src/wire/job.js';
import { until } from '../until.js';

const addon = loadAddon();
const open: number[] = [];
const channels: Channel[] = [];

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
  for (const fd of open.splice(0)) addon.closeFd(fd);
});

interface Opened {
  readonly channel: Channel;
  /** The other end, blocking. */
  readonly peer: number;
  readonly received: { readonly text: string; readonly fds: number }[];
  readonly ends: string[];
}

function openChannel(): Opened {
  const { own, child } = createChannelPair();
  open.push(child);
  const received: Opened['received'] = [];
  const ends: string[] = [];
  const channel = new Channel(own, {
    message(bytes, fds) {
      received.push({ text: Buffer.from(bytes).toString(), fds: fds.length });
      for (const fd of fds) addon.closeFd(fd);
    },
    closed: (reason) => ends.push(reason),
  });
  channels.push(channel);
  return { channel, peer: child, received, ends };
}

/** What lies at the other end. */
function take(peer: number): { bytes: number; fds: number } | null {
  const message = addon.receiveMessage(peer, new Uint8Array(MAX_MESSAGE), MAX_FDS, addon.constants.MSG_DONTWAIT);
  for (const fd of message?.fds ?? []) addon.closeFd(fd);
  return message === null ? null : { bytes: message.bytes, fds: message.fds.length };
}

function memfd(): number {
  const fd = addon.memfdCreate('test');
  open.push(fd);
  return fd;
}

describe('channel', () => {
  it('carries messages of the full size with all their descriptors, both ways', async () => {
    const { channel, peer, received } = openChannel();
    const fd = memfd();
    const fds = Array<number>(MAX_FDS).fill(fd);
    expect(channel.send(new Uint8Array(MAX_MESSAGE), fds)).toBe(true);
    expect(take(peer)).toEqual({ bytes: MAX_MESSAGE, fds: MAX_FDS });
    addon.sendMessage(peer, Buffer.from('answer'), fds);
    await until(() => received.length === 1, 'the answer is there');
    expect(received).toEqual([{ text: 'answer', fds: MAX_FDS }]);
  });

  it('keeps what a busy peer has no room for, in order, descriptors included', async () => {
    const { channel, peer } = openChannel();
    const sizes = Array.from({ length: 40 }, (_, i) => 100_000 + i);
    for (const size of sizes) {
      const fd = addon.memfdCreate('short-lived');
      channel.send(new Uint8Array(size), [fd]);
      addon.closeFd(fd);
    }
    const got: ({ bytes: number; fds: number } | null)[] = [];
    await until(() => {
      const message = take(peer);
      if (message !== null) got.push(message);
      return got.length === sizes.length;
    }, 'all messages have come');
    expect(got).toEqual(sizes.map((bytes) => ({ bytes, fds: 1 })));
  });

  it('gives up a peer that never reads', () => {
    const { channel, ends } = openChannel();
    let sent = 0;
    while (channel.send(new Uint8Array(60_000)) && sent < 5000) sent++;
    expect(ends).toEqual(['it does not read its messages']);
    expect(channel.send(new Uint8Array(1))).toBe(false);
  });

  it.each<[string, (peer: number) => void, string]>([
    [
      'too long a message',
      (peer) => addon.sendMessage(peer, new Uint8Array(MAX_MESSAGE + 1)),
      'it sent a message that is too long',
    ],
    ['the end', (peer) => addon.shutdown(peer, 'write'), 'it closed its channel'],
  ])('ends at %s, and says why once', async (_name, act, reason) => {
    const { channel, peer, received, ends } = openChannel();
    act(peer);
    await until(() => ends.length > 0, 'it has ended');
    expect(ends).toEqual([reason]);
    expect(received).toEqual([]);
    channel.close();
    expect(ends).toHaveLength(1);
  });

  it('takes of a message with too many descriptors the first ones, and goes on', async () => {
    const { peer, received, ends } = openChannel();
    addon.sendMessage(peer, Buffer.from('x'), Array<number>(MAX_FDS + 1).fill(memfd()));
    addon.sendMessage(peer, Buffer.from('y'));
    await until(() => received.length === 2, 'both have come');
    expect(received).toEqual([
      { text: 'x', fds: MAX_FDS },
      { text: 'y', fds: 0 },
    ]);
    expect(ends).toEqual([]);
  });

  it('closes its descriptor, and those of messages unsent', () => {
    const { own, child } = createChannelPair();
    open.push(child);
    const channel = new Channel(own, { message() {}, closed() {} });
    for (let i = 0; i < 30; i++) channel.send(new Uint8Array(100_000), [child]);
    channel.close();
    expect(() => fstatSync(own)).toThrow('EBADF');
  });
});
