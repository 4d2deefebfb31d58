import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';

const addon = loadTracingAddon();
const { EACCES, ECHILD, EINVAL, ELOOP, ENOBUFS, ENOENT, ENOTDIR, ETIMEDOUT } = constants.errno;
const dir = mkdtempSync(join(tmpdir(), 'ptrace-napi-files-'));
afterAll(() => rmSync(dir, { recursive: true }));
writeFileSync(join(dir, 'first'), 'abc');
writeFileSync(join(dir, 'second'), 'defgh');
symlinkSync('first', join(dir, 'link'));

describe('readFiles', () => {
  const read = (names: string[], limits: number[], room = 64): [string, number[]] => {
    const buffer = Buffer.alloc(room);
    const sizes = Int32Array.from(limits);
    const used = addon.readFiles(dir, names, buffer, sizes);
    return [buffer.toString('latin1', 0, used), [...sizes]];
  };

  it('puts one behind the other, each up to its limit', () => {
    expect(read(['first', 'second'], [10, 10])).toEqual(['abcdefgh', [3, 5]]);
    expect(read(['second', 'first'], [2, 3])).toEqual(['deabc', [2, 3]]);
    expect(read(['first'], [0])).toEqual(['', [0]]);
    expect(read([], [])).toEqual(['', []]);
  });

  it('says which it could not read, and goes on', () => {
    expect(read(['absent', 'link', 'second'], [9, 9, 9])).toEqual(['defgh', [-ENOENT, -ELOOP, 5]]);
    const sizes = Int32Array.of(5);
    expect(addon.readFiles(join(dir, 'absent'), ['x'], Buffer.alloc(8), sizes)).toBe(0);
    expect([...sizes]).toEqual([-ENOENT]);
  });

  it('says which had no room, unless it ended before that was needed', () => {
    expect(read(['first', 'second'], [10, 10], 9)).toEqual(['abcdefgh', [3, 5]]);
    expect(read(['first', 'second'], [10, 10], 8)).toEqual(['abcdefgh', [3, -ENOBUFS]]);
    expect(read(['first', 'second'], [10, 10], 4)).toEqual(['abcd', [3, -ENOBUFS]]);
    expect(read(['second', 'first'], [10, 10], 2)[1]).toEqual([-ENOBUFS, -ENOBUFS]);
  });

  it('takes no name that is longer than any file has', () => {
    expect(() => read(['x'.repeat(256)], [1])).toThrow(RangeError);
    expect(() => read(['first'], [])).toThrow(RangeError);
  });
});

describe('threads and links of a process', () => {
  it('are listed as numbers, as many as fit', () => {
    const all = new Int32Array(1024);
    const count = addon.listNumbers('/proc/self/task', all);
    expect([...all.subarray(0, count)]).toContain(process.pid);
    expect(count).toBeGreaterThan(1);
    const one = new Int32Array(1);
    expect(addon.listNumbers('/proc/self/task', one)).toBe(count);
    expect(addon.listNumbers(dir, all)).toBe(0);
    expect(addon.listNumbers(join(dir, 'first'), all)).toBe(-ENOTDIR);
  });

  it('have small files', () => {
    const tids = Int32Array.of(process.pid, 2 ** 22);
    const sizes = new Int32Array(2);
    const buffer = Buffer.alloc(64);
    expect(addon.readTaskFiles(process.pid, tids, 'comm', buffer, 32, sizes)).toBe(1);
    expect(buffer.toString('utf8', 0, sizes[0])).toBe(readFileSync('/proc/self/comm', 'utf8'));
    expect(sizes[1]).toBe(-ENOENT);
    expect(() => addon.readTaskFiles(process.pid, tids, 'comm', buffer, 33, sizes)).toThrow(RangeError);
  });

  it('lead somewhere', () => {
    const fd = openSync(join(dir, 'first'), 'r');
    const buffer = Buffer.alloc(256 * 1024);
    const [size, more] = addon.readLinks('/proc/self/fd', buffer, 10_000, 1000);
    const found = new Map<number, string>();
    for (let at = 0; at < size; ) {
      const length = buffer.readInt32LE(at + 4);
      found.set(buffer.readInt32LE(at), buffer.toString('utf8', at + 8, at + 8 + length));
      at += 8 + length;
    }
    expect(more).toBe(0);
    expect(found.get(fd)).toBe(readlinkSync(`/proc/self/fd/${fd}`));
    expect(found.size).toBeGreaterThan(3);
    expect(addon.readLinks('/proc/self/fd', buffer, 2, 1000)[1]).toBe(1);
    expect(addon.readLinks('/proc/self/fd', Buffer.alloc(100), 10, 1000)).toEqual([0, 1]);
    expect(addon.readLinks(join(dir, 'absent'), buffer, 10, 1000)).toEqual([-ENOENT, 0]);
    closeSync(fd);
  });

  it('stop being followed when the time is up, but for the first 64', () => {
    const links = join(dir, 'links');
    mkdirSync(links);
    for (let i = 0; i < 100; i++) symlinkSync('x', join(links, String(i)));
    const [size, more] = addon.readLinks(links, Buffer.alloc(64 * 1024), 1000, 0);
    expect([size, more]).toEqual([64 * 9, 1]);
  });

  it('are counted', () => {
    expect(addon.countLinks('/proc/self/task')).toBeGreaterThan(2);
    expect(addon.countLinks(join(dir, 'absent'))).toBe(-ENOENT);
  });
});

describe('opening', () => {
  it('takes regular files alone, links followed', () => {
    spawnSync('mkfifo', [join(dir, 'fifo')]);
    const fds = new Int32Array(4);
    expect(addon.openRegularFiles(dir, ['link', 'fifo', 'absent', '.'], fds)).toBe(1);
    expect([...fds.subarray(1)]).toEqual([-EINVAL, -ENOENT, -EINVAL]);
    expect(readFileSync(fds[0]!, 'utf8')).toBe('abc');
    closeSync(fds[0]!);
  });

  it('stays below a root, and follows no link there', () => {
    mkdirSync(join(dir, 'root/inside'), { recursive: true });
    writeFileSync(join(dir, 'root/inside/file'), 'x');
    symlinkSync('inside', join(dir, 'root/way'));
    const root = addon.openPath(join(dir, 'root'));
    const fd = addon.openBelow(root, 'inside/../../../inside/file');
    expect(fstatSync(fd).isFile()).toBe(true);
    expect(addon.openBelow(root, 'way/file')).toBe(-ELOOP);
    expect(addon.openBelow(root, 'inside/none')).toBe(-ENOENT);
    closeSync(fd);
    closeSync(root);
    expect([-ENOENT, -EACCES]).toContain(addon.openPath(join(dir, 'absent')));
  });
});

describe('pollNow', () => {
  it('tells what is there without waiting', () => {
    const [reader, writer] = addon.pipe();
    expect(addon.pollNow(reader)).toBe(0);
    closeSync(writer);
    expect(addon.pollNow(reader)).not.toBe(0);
    closeSync(reader);
  });
});

describe('waitAll', () => {
  it('waits for each of them, as long as there is time', async () => {
    const children = [spawn('sleep', ['100']), spawn('sleep', ['100'])];
    await Promise.all(children.map((child) => once(child, 'spawn')));
    const tids = Int32Array.of(children[0]!.pid!, children[1]!.pid!, process.pid);
    for (const tid of tids.subarray(0, 2)) addon.seize(tid);
    addon.interrupt(tids[0]!);
    const results = new Int32Array(3);
    expect(addon.waitAll(tids, 200, results)).toBe(1);
    // WIFSTOPPED; the second one was not asked to stop, the third is no tracee.
    expect(results[0]! & 0xff).toBe(0x7f);
    expect([...results.subarray(1)]).toEqual([-ETIMEDOUT, -ECHILD]);
    addon.detach(tids[0]!);
    addon.interrupt(tids[1]!);
    expect(addon.waitAll(tids.subarray(1, 2), 5000, results)).toBe(1);
    addon.detach(tids[1]!);
    const ended = children.map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ended);
  });
});

describe('goFirst', () => {
  /** sched(7), of this thread: 0 as usual, 1 SCHED_FIFO. */
  const policy = (): number => {
    const text = readFileSync('/proc/thread-self/stat', 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[41 - 3]);
  };

  it('changes the scheduling of the thread, and back', () => {
    const before = policy();
    const result = addon.goFirst(true);
    // Without the right to it.
    if (result < 0) expect(result).toBe(-constants.errno.EPERM);
    else expect(policy()).toBe(1);
    expect(addon.goFirst(true)).toBe(result);
    expect(addon.goFirst(false)).toBe(0);
    expect(policy()).toBe(before);
    expect(addon.goFirst(false)).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0)('does not, where somebody has made the thread stand back', () => {
    setPriority(0, 5);
    try {
      expect(addon.goFirst(true)).toBe(0);
      expect(policy()).toBe(0);
      expect(addon.goFirst(false)).toBe(0);
    } finally {
      setPriority(0, 0);
    }
  });
});
