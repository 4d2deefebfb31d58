import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { parseMaps } from '../../../src/linux/maps.js';
import {
  copyBytes,
  mapsBytes,
  moduleBytes,
  threadShares,
  wholeLines,
} from '../../../src/tracer/capture/dump-budget.js';
import { linkerRanges } from '../../../src/tracer/capture/linker-memory.js';
import { withoutRange } from '../../../src/tracer/write/redact.js';

const MIB = 1024 * 1024;
const x86_64 = byName('x86_64');

describe('shares of a dump', () => {
  it.each([1, 10, 1000, 5000, 70_000])('never exceed it: %i threads', (count) => {
    for (const dumpBytes of [MIB, 16 * MIB, 1024 * MIB]) {
      const limits = { stackBytes: 4096, dumpBytes };
      const overhead = mapsBytes(limits) + moduleBytes(limits);
      const { whole, listed, bytes } = threadShares(x86_64, count, overhead, limits);
      expect(whole).toBeGreaterThanOrEqual(1);
      expect(listed).toBeGreaterThanOrEqual(whole);
      expect(listed).toBeLessThanOrEqual(count);
      expect(overhead + bytes).toBeLessThan(copyBytes(limits));
      expect(copyBytes(limits)).toBeLessThan(dumpBytes);
      if (listed < count) expect(bytes).toBeGreaterThan((copyBytes(limits) - overhead) / 2);
    }
  });

  it('leave one thread whole however little there is', () => {
    expect(threadShares(x86_64, 5, MIB, { stackBytes: 4096, dumpBytes: MIB })).toMatchObject({ whole: 1, listed: 1 });
  });

  it('cut texts behind a line', () => {
    const text = Buffer.from('one\ntwo\nthree\n');
    expect(wholeLines(text, 14).toString()).toBe('one\ntwo\nthree\n');
    expect(wholeLines(text, 13).toString()).toBe('one\ntwo\n');
    expect(wholeLines(text, 3).toString()).toBe('');
    expect(wholeLines(text, 0).toString()).toBe('');
  });
});

describe('the memory of the dynamic linker', () => {
  const { mappings } = parseMaps(
    Buffer.from(
      [
        '400000-401000 r--p 00000000 fe:00 1 /bin/program',
        '401000-402000 r-xp 00001000 fe:00 1 /bin/program',
        '500000-5d4000 r--p 00002000 fe:00 1 /bin/program',
        '5d4000-5f4000 rw-p 000d6000 fe:00 1 /bin/program',
        '5f4000-600000 rw-p 00000000 00:00 0 [heap]',
        '7f0000000000-7f0000800000 rw-p 00000000 00:00 0',
        '7f0000a00000-7f0000a10000 rw-p 00000000 00:00 0',
        '7f0000b00000-7f0000b20000 r-xp 00000000 fe:00 2 /lib/libc.so.6',
        '7f0000b20000-7f0000b22000 rw-p 00020000 fe:00 2 /lib/libc.so.6',
        '7f0000c00000-7f0000c02000 rw-p 00000000 00:00 0',
        '7f0000d00000-7f0000d20000 r-xp 00000000 fe:00 3 /lib/ld.so',
        '7f0000d20000-7f0000d22000 r--p 00020000 fe:00 3 /lib/ld.so',
        '7f0000d22000-7f0000d24000 rw-p 00022000 fe:00 3 /lib/ld.so',
        '7f0000d24000-7f0000d25000 rw-p 00000000 00:00 0',
        '7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0 [stack]',
        '',
      ].join('\n'),
    ),
  );

  it('is the end of RELRO, the begin of the data, the linker with its bss, and small anonymous mappings below it', () => {
    const ranges = linkerRanges(mappings, 0x401000, 0x7f0000d00000);
    expect(ranges.map(({ address, size }) => `${address.toString(16)}+${size.toString(16)}`)).toEqual([
      '5cc000+8000',
      '5d4000+4000',
      '7f0000d22000+2000',
      '7f0000d24000+1000',
      '7f0000c00000+2000',
      '7f0000a00000+10000',
    ]);
  });

  it('is bounded, and nothing for a program without a linker or one of which nothing is known', () => {
    const many = parseMaps(
      Buffer.from(
        [
          '400000-402000 r-xp 00000000 fe:00 1 /bin/program',
          ...Array.from({ length: 1000 }, (_, i) => {
            const start = 0x7f0000000000 + i * 0x20000;
            return `${start.toString(16)}-${(start + 0x10000).toString(16)} rw-p 00000000 00:00 0`;
          }),
          '7fff00000000-7fff00001000 r-xp 00000000 fe:00 3 /lib/ld.so',
          '',
        ].join('\n'),
      ),
    ).mappings;
    const ranges = linkerRanges(many, 0x400000, 0x7fff00000000);
    expect(ranges.reduce((sum, { size }) => sum + size, 0)).toBe(256 * 1024);
    for (const [entry, linker] of [
      [0x401000, 0],
      [0, 0x7f0000d00000],
      [0x401000, 0x1000],
      [0x401000, -1],
    ]) {
      expect(linkerRanges(mappings, entry!, linker!)).toEqual([]);
    }
    expect(linkerRanges([], 0x401000, 0x7f0000d00000)).toEqual([]);
  });
});

describe('the environment on the stack', () => {
  const block = (address: number) => ({ address, bytes: Buffer.alloc(16, 0xee) });
  const memory = {
    stacks: [block(0x1000), null],
    others: [block(0x1008), block(0x2000)],
    abortMessage: null,
    annotations: [],
    threads: { whole: 2, listed: 2, bytes: 0 },
  };

  it('becomes zeros, and the blocks that were copied stay as they are', () => {
    const { stacks, others } = withoutRange(memory, { start: 0x100c, end: 0x1012 });
    expect(stacks[0]!.bytes.toString('hex')).toBe(`${'ee'.repeat(12)}${'00'.repeat(4)}`);
    expect(others[0]!.bytes.toString('hex')).toBe(`${'ee'.repeat(4)}${'00'.repeat(6)}${'ee'.repeat(6)}`);
    expect(others[1]).toBe(memory.others[1]);
    expect(memory.stacks[0]!.bytes).toEqual(Buffer.alloc(16, 0xee));
    expect(withoutRange(memory, { start: 0, end: 0 })).toEqual(memory);
    expect(withoutRange(memory, { start: 0, end: 2 ** 52 }).others[1]!.bytes).toEqual(Buffer.alloc(16));
  });
});
