import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mappingAfter, mappingIndex, parseMaps } from '../../src/linux/maps.js';

const text = (...lines: string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));
const libc = '7f1c2a000000-7f1c2a021000 r-xp 00028000 fd:01 131145                     /usr/lib/libc.so.6';

describe('parseMaps', () => {
  it('reads the fields of a line', () => {
    expect(parseMaps(text(libc))).toEqual({
      mappings: [
        {
          start: 0x7f1c2a000000,
          end: 0x7f1c2a021000,
          perms: 'r-xp',
          offset: 0x28000,
          device: 'fd:01',
          inode: 131145,
          name: '/usr/lib/libc.so.6',
        },
      ],
      skipped: 0,
    });
  });

  it('keeps names as they are: spaces, escapes, deleted files, none', () => {
    const names = [
      '/tmp/a b  c',
      '/tmp/new\\012line',
      '/tmp/x (deleted)',
      '/tmp/é',
      '[stack]',
      '[anon:libc_malloc]',
      '',
    ];
    const lines = names.map((name, i) => `${i + 1}000-${i + 1}fff rw-s 00000000 00:00 0 ${name}`);
    expect(parseMaps(text(...lines)).mappings.map(({ name }) => name)).toEqual(names);
    expect(parseMaps(text('1000-2000 rw-p 00000000 00:00 0')).mappings[0]).toMatchObject({ name: '', inode: 0 });
  });

  it('tells names apart that share their end or their begin', () => {
    const names = ['/a/libx.so', '/b/libx.so', '/b/libx.so', '/b/libx.so.1', '', '/b/libx.so'];
    const lines = names.map((name, i) => `${i + 1}000-${i + 1}fff r--p 00000000 0${i}:01 9 ${name}`);
    const { mappings } = parseMaps(text(...lines));
    expect(mappings.map(({ name }) => name)).toEqual(names);
    expect(mappings.map(({ device }) => device)).toEqual(['00:01', '01:01', '02:01', '03:01', '04:01', '05:01']);
  });

  it.each([
    ['an address above 2^53', 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]'],
    ['an end before its start', '2000-1000 r--p 00000000 00:00 0'],
    ['an empty range', '1000-1000 r--p 00000000 00:00 0'],
    ['upper-case digits', '1A00-2000 r--p 00000000 00:00 0'],
    ['other permissions', '1000-2000 rwzp 00000000 00:00 0'],
    ['no offset', '1000-2000 r--p  00:00 0'],
    ['no device', '1000-2000 r--p 00000000 0000 0'],
    ['no inode', '1000-2000 r--p 00000000 00:00 x'],
    ['an inode with something behind it', '1000-2000 r--p 00000000 00:00 5x'],
    ['an inode of too many digits', '1000-2000 r--p 00000000 00:00 123456789012345678901'],
    ['an address without a start', '-2000 r--p 00000000 00:00 0'],
    ['nothing', ''],
  ])('leaves out a line with %s', (_, line) => {
    expect(parseMaps(text(line, libc))).toMatchObject({ mappings: [{ name: '/usr/lib/libc.so.6' }], skipped: 1 });
  });

  it('leaves out what is out of order or overlaps', () => {
    const { mappings, skipped } = parseMaps(
      text(
        '2000-4000 r--p 0 00:00 0 a',
        '1000-2000 r--p 0 00:00 0 b',
        '3000-5000 r--p 0 00:00 0 c',
        '4000-5000 r--p 0 00:00 0 d',
      ),
    );
    expect(mappings.map(({ name }) => name)).toEqual(['a', 'd']);
    expect(skipped).toBe(2);
  });

  it('survives a cut at every byte', () => {
    const whole = text('1000-2000 r--p 00000000 00:00 0 a', libc);
    for (let length = 0; length < whole.length; length++) {
      const { mappings, skipped } = parseMaps(whole.subarray(0, length));
      const lines = whole.toString('latin1', 0, length).split('\n').length - 1;
      expect(mappings).toHaveLength(lines);
      expect(skipped).toBe(whole.toString('latin1', 0, length).endsWith('\n') || length === 0 ? 0 : 1);
    }
  });

  it('agrees with the kernel about this process', () => {
    const maps = readFileSync('/proc/self/maps');
    const { mappings } = parseMaps(maps);
    const lines = maps
      .toString()
      .trimEnd()
      .split('\n')
      .filter((line) => !line.includes('[vsyscall]'));
    expect(mappings.map(({ start, end, perms }) => `${start.toString(16)}-${end.toString(16)} ${perms}`)).toEqual(
      lines.map((line) =>
        line
          .split(' ')
          .slice(0, 2)
          .join(' ')
          .replace(/(^|-)0+(?=[0-9a-f])/g, '$1'),
      ),
    );
  });
});

describe('looking up an address', () => {
  const { mappings } = parseMaps(
    text('1000-2000 r--p 0 00:00 0', '2000-3000 r--p 0 00:00 0', '5000-6000 r--p 0 00:00 0'),
  );

  it('finds the mapping that holds it', () => {
    const found = [0, 0xfff, 0x1000, 0x1fff, 0x2000, 0x2fff, 0x3000, 0x4fff, 0x5000, 0x5fff, 0x6000];
    expect(found.map((address) => mappingIndex(mappings, address))).toEqual([-1, -1, 0, 0, 1, 1, -1, -1, 2, 2, -1]);
    expect(mappingIndex([], 5)).toBe(-1);
  });

  it('finds the first one above it', () => {
    expect([0, 0x1000, 0x2fff, 0x4000, 0x5000].map((address) => mappingAfter(mappings, address))).toEqual([
      0, 1, 2, 2, 3,
    ]);
  });
});
