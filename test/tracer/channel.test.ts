import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { boundedTexts, TracerChannel } from '../../src/tracer/channel.js';
import { Losses } from '../../src/tracer/failure.js';

const addon = loadTracingAddon();

describe('what is said', () => {
  it('fits: files go in batches by number and by bytes', () => {
    const [own, other] = addon.socketPair('seqpacket');
    for (const fd of [own, other]) addon.setBufferSizes(fd, { send: 1 << 20, receive: 1 << 20 });
    const fd = openSync('/dev/null', 'r');
    // Each quote takes two bytes in JSON: 256 of them and the rest make more than 128 KiB of 250 files.
    const files = Array.from({ length: 600 }, (_, inode) => ({
      fd,
      file: { device: 'fd:01', inode, path: '"'.repeat(256) },
    }));
    new TracerChannel(addon, own).sendFiles(9, files);
    const buffer = Buffer.alloc(128 * 1024);
    const inodes: number[] = [];
    while (inodes.length < 600) {
      const got = addon.receiveMessage(other, buffer, 250)!;
      expect(got).toMatchObject({ truncated: false, fdsTruncated: false });
      const message = JSON.parse(buffer.toString('utf8', 0, got.bytes));
      expect(message).toMatchObject({ type: 'files', id: 9 });
      expect(message.files).toHaveLength(got.fds.length);
      inodes.push(...message.files.map(({ inode }: { inode: number }) => inode));
      for (const each of got.fds) closeSync(each);
    }
    expect(inodes).toEqual(files.map(({ file }) => file.inode));
    for (const each of [own, other, fd]) addon.closeFd(each);
  });

  it('is bounded', () => {
    const losses = new Losses();
    for (let i = 0; i < 100; i++) losses.add('freeze', `${i} ${'z'.repeat(2000)}`);
    losses.add('logs', 'one');
    const summary = losses.summary();
    expect(summary).toHaveLength(34);
    expect(summary.at(-1)).toEqual({ step: 'freeze', message: 'and 68 more' });
    expect(Math.max(...summary.map(({ message }) => message.length))).toBe(512);
    expect(boundedTexts(Array.from({ length: 1000 }, () => 'q'.repeat(1000))).length).toBeLessThan(66);
  });
});
