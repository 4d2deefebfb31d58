import { describe, expect, test } from 'vitest';
import { parseMaps } from '../../../src/linux/maps.js';
import { memoryInfoFromMaps } from '../../../src/minidump/writer/memory-info-from-maps.js';
import { moduleName, modulesFromMaps, versionFromName } from '../../../src/minidump/writer/modules-from-maps.js';

function mappings(text: string) {
  const parsed = parseMaps(Buffer.from(text.trimStart().replace(/^ +/gm, '')));
  expect(parsed.skipped).toBe(0);
  return parsed.mappings;
}

const MAPS = `
  400000-401000 r--p 00000000 fd:01 10 /usr/bin/prog
  401000-402000 r-xp 00001000 fd:01 10 /usr/bin/prog
  402000-403000 r--p 00002000 fd:01 10 /usr/bin/prog
  403000-404000 rw-p 00002000 fd:01 10 /usr/bin/prog
  404000-500000 rw-p 00000000 00:00 0 [heap]
  7f0000000000-7f0000001000 r--p 00000000 fd:01 20 /lib/libc.so.6 (deleted)
  7f0000001000-7f0000003000 r-xp 00001000 fd:01 20 /lib/libc.so.6 (deleted)
  7f0000003000-7f0000103000 ---p 00000000 00:00 0 
  7f0000103000-7f0000104000 rw-p 00003000 fd:01 20 /lib/libc.so.6 (deleted)
  7f0000104000-7f0000105000 ---p 00000000 00:00 0 
  7f0000200000-7f0000300000 r--p 00000000 fd:01 30 /usr/lib/locale/locale-archive
  7f0000300000-7f0000301000 rw-s 00000000 00:05 40 /dev/dri/card0
  7f0000400000-7f0000401000 r--p 00010000 fd:01 50 /data/app/base.apk
  7f0000401000-7f0000402000 r-xp 00011000 fd:01 50 /data/app/base.apk
  7f0000402000-7f0000403000 r--p 00030000 fd:01 50 /data/app/base.apk
  7f0000403000-7f0000404000 r-xp 00031000 fd:01 50 /data/app/base.apk
  7f0000500000-7f0000501000 r--p 00000000 fd:01 60 /lib/twice.so
  7f0000501000-7f0000502000 r-xp 00001000 fd:01 60 /lib/twice.so
  7f0000502000-7f0000503000 r--p 00000000 fd:01 60 /lib/twice.so
  7f0000503000-7f0000504000 r-xp 00001000 fd:01 60 /lib/twice.so
  7f0000600000-7f0000601000 rw-s 00000000 00:01 70 /SYSV00000000 (deleted)
  7fff00000000-7fff00021000 rw-p 00000000 00:00 0 [stack]
  7fff00100000-7fff00102000 r-xp 00000000 00:00 0 [vdso]
`;

const list = (modules: ReturnType<typeof modulesFromMaps>) =>
  modules.map(({ base, size, name }) => `${base.toString(16)}+${size.toString(16)} ${name}`);

describe('modulesFromMaps', () => {
  test('runs of one file are one module, padding inside them included', () => {
    expect(list(modulesFromMaps(mappings(MAPS), { entry: 0x401040 }))).toEqual([
      '400000+4000 /usr/bin/prog',
      '7f0000000000+104000 /lib/libc.so.6',
      '7f0000200000+100000 /usr/lib/locale/locale-archive',
      '7f0000400000+4000 /data/app/base.apk',
      '7f0000500000+2000 /lib/twice.so',
      '7f0000502000+2000 /lib/twice.so',
      '7fff00100000+2000 linux-gate.so',
    ]);
  });

  test('of a file within one page, the page that two segments share does not begin another module', () => {
    const small = `
      8f8000-8f9000 r-xp 00000000 00:19 10 /bin/small
      8f9000-8fa000 r--p 00000000 00:19 10 /bin/small
      8fa000-8fb000 rw-p 00001000 00:19 10 /bin/small
    `;
    const elf = ({ offset }: { offset: number }): boolean => offset === 0;
    expect(list(modulesFromMaps(mappings(small), { entry: 0x8f86ec, isElf: elf }))).toEqual(['8f8000+3000 /bin/small']);
    expect(list(modulesFromMaps(mappings(small), { entry: 0 }))).toEqual(['8f8000+3000 /bin/small']);
  });

  test('who looks at the first bytes tells data from images, and neighbours in an archive apart', () => {
    const elf = new Set([0x400000, 0x7f0000000000, 0x7f0000400000, 0x7f0000402000, 0x7f0000500000, 0x7f0000502000]);
    const modules = modulesFromMaps(mappings(MAPS), { entry: 0, isElf: ({ start }) => elf.has(start) });
    expect(list(modules)).toEqual([
      '400000+4000 /usr/bin/prog',
      '7f0000000000+104000 /lib/libc.so.6',
      '7f0000400000+2000 /data/app/base.apk',
      '7f0000402000+2000 /data/app/base.apk',
      '7f0000500000+2000 /lib/twice.so',
      '7f0000502000+2000 /lib/twice.so',
      '7fff00100000+2000 linux-gate.so',
    ]);
    expect(modules[3]).toMatchObject({ offset: 0x30000, mapping: 14 });
  });

  test('the main program is first wherever it lies', () => {
    const [first, second] = modulesFromMaps(mappings(MAPS), { entry: 0x7f0000503010 });
    expect(first).toMatchObject({ base: 0x7f0000502000 });
    expect(second).toMatchObject({ base: 0x400000 });
  });

  test('no mappings, no modules', () => {
    expect(modulesFromMaps([], { entry: 1 })).toEqual([]);
  });
});

describe('moduleName', () => {
  test.each([
    ['/lib/libfoo.so.1.2.3', 'libfoo.so.1', 0, '/lib/libfoo.so.1'],
    ['/data/app/base.apk', 'libfoo.so', 0x1000, '/data/app/base.apk/libfoo.so'],
    ['/lib/libfoo.so', null, 0, '/lib/libfoo.so'],
    ['/lib/libfoo.so', '', 0, '/lib/libfoo.so'],
    ['/lib/libfoo.so', '../../etc/passwd', 0, '/lib/libfoo.so'],
    ['linux-gate.so', 'linux-vdso.so.1', 0, 'linux-vdso.so.1'],
  ] as const)('%s %s %i', (path, soname, offset, expected) => {
    expect(moduleName(path, soname, offset)).toBe(expected);
  });
});

test.each([
  ['libstdc++.so.6.0.33', [6, 0, 33, 0]],
  ['libc.so.6', [6, 0, 0, 0]],
  ['libx.so', null],
  ['libx.so.99999', [65535, 0, 0, 0]],
  ['prog', null],
] as const)('version of %s', (name, expected) => {
  expect(versionFromName(name)).toEqual(expected);
});

test('memory info: one region per mapping, permissions in the words of Windows', () => {
  const info = memoryInfoFromMaps(mappings(MAPS));
  expect(info).toHaveLength(23);
  expect(info[1]).toEqual({
    base: 0x401000,
    allocationBase: 0x401000,
    allocationProtection: 0x20,
    size: 0x1000,
    state: 0x1000,
    protection: 0x20,
    type: 0x20000,
  });
  expect(info[7]).toMatchObject({ protection: 0x1 });
  expect(info[11]).toMatchObject({ protection: 0x4, type: 0x40000 });
});
