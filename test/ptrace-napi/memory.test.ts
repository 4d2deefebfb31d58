import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { compileTarget, startPlain, startTarget, thrown, waitForExit, withTarget } from './target.js';

const addon = loadTracingAddon();
compileTarget();

const PAGE = 4096;
const pattern = Buffer.from(Array.from({ length: PAGE }, (_, i) => (i * 7) & 0xff));

describe('readMemory', () => {
  test('reads the bytes, by Number and by BigInt', () => {
    withTarget(1, ({ pid, address }) => {
      const buffer = Buffer.alloc(PAGE);
      expect(addon.readMemory(pid, address, buffer)).toBe(PAGE);
      expect(buffer).toEqual(pattern);
      buffer.fill(0);
      expect(addon.readMemory(pid, BigInt(address) + 100n, buffer, 10, 20)).toBe(20);
      expect(buffer).toEqual(Buffer.concat([Buffer.alloc(10), pattern.subarray(100, 120), Buffer.alloc(PAGE - 30)]));
    });
  });

  test('stops at the first unreadable page, at any offset', () => {
    withTarget(1, ({ pid, address }) => {
      const buffer = Buffer.alloc(3 * PAGE);
      expect(addon.readMemory(pid, address, buffer)).toBe(PAGE);
      expect(addon.readMemory(pid, address + PAGE - 1, buffer)).toBe(1);
      expect(addon.readMemory(pid, address + PAGE, buffer)).toBe(0);
      expect(addon.readMemory(pid, address - 1, buffer)).toBe(0);
      expect(addon.readMemory(pid, 0, buffer)).toBe(0);
      expect(addon.readMemory(pid, 2n ** 64n - 1n, buffer)).toBe(0);
      expect(addon.readMemory(pid, 0xffff_8000_0000_0000n, buffer)).toBe(0);
      expect(addon.readMemory(pid, address, buffer, 5, 0)).toBe(0);
    });
  });

  test('reads long ranges whole', () => {
    withTarget(1, ({ pid }) => {
      const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-xp .*libc/m.exec(maps)!;
      const length = Number.parseInt(end!, 16) - Number.parseInt(start!, 16);
      const buffer = Buffer.alloc(length);
      expect(addon.readMemory(pid, Number.parseInt(start!, 16), buffer)).toBe(length);
      expect(buffer.equals(Buffer.alloc(length))).toBe(false);
    });
  });

  test('a process that is gone is ESRCH', () => {
    const gone = startPlain('/bin/true', []);
    waitForExit(gone.pid);
    addon.closeFd(gone.output);
    expect(thrown(() => addon.readMemory(gone.pid, 4096, Buffer.alloc(16)))).toMatchObject({
      code: 'ESRCH',
      syscall: 'process_vm_readv',
    });
  });
});

describe('readMemoryRanges', () => {
  /** Reads ranges given as [offset from the pattern, length], one after the other into one buffer. */
  function read(ranges: [number, number][], big: boolean) {
    const target = startTarget();
    try {
      const at = ranges.map(([offset]) => target.address + offset);
      const addresses = big ? BigUint64Array.from(at, BigInt) : Float64Array.from(at);
      const lengths = Uint32Array.from(ranges, ([, length]) => length);
      let end = 0;
      const starts = ranges.map(([, length]) => {
        end += length;
        return end - length;
      });
      const offsets = big ? Uint32Array.from(starts) : Float64Array.from(starts);
      const buffer = Buffer.alloc(end);
      const got = new Uint32Array(ranges.length).fill(99);
      const total = addon.readMemoryRanges(target.pid, addresses, lengths, buffer, offsets, got);
      expect(total).toBe(got.reduce((sum, n) => sum + n, 0));
      ranges.forEach(([offset], i) => {
        const bytes = buffer.subarray(starts[i]!, starts[i]! + got[i]!);
        expect(bytes).toEqual(pattern.subarray(offset, offset + got[i]!));
      });
      return [...got];
    } finally {
      target.stop();
    }
  }

  test('unreadable and half readable ranges do not hinder the others', () => {
    const ranges: [number, number][] = [
      [0, 16],
      [-8, 16],
      [PAGE, 8],
      [8, 0],
      [PAGE - 4, 16],
      [-PAGE, 100],
      [100, 200],
      [PAGE - 1, 1],
    ];
    for (const big of [false, true]) expect(read(ranges, big)).toEqual([16, 0, 0, 0, 4, 0, 200, 1]);
  });

  test('the first, the last, all and none unreadable', () => {
    expect(read([[-1, 4]], false)).toEqual([0]);
    const row = (n: number, bad: number[]): [number, number][] =>
      Array.from({ length: n }, (_, i) => [bad.includes(i) ? PAGE : i, 3]);
    const expected = (n: number, bad: number[]) => Array.from({ length: n }, (_, i) => (bad.includes(i) ? 0 : 3));
    expect(read(row(4, [0, 3]), true)).toEqual(expected(4, [0, 3]));
    expect(read(row(3, [0, 1, 2]), true)).toEqual([0, 0, 0]);
    expect(read([], true)).toEqual([]);
  });

  test('more ranges than one system call takes', () => {
    const bad = new Set([0, 1023, 1024, 1025, 2047, 2048, 2999]);
    const ranges = Array.from({ length: 3000 }, (_, i): [number, number] => [bad.has(i) ? PAGE + i : i, 2]);
    expect(read(ranges, false)).toEqual(ranges.map((_, i) => (bad.has(i) ? 0 : 2)));
  });

  test('ranges outside of the buffer are refused before anything is read', () => {
    const buffer = Buffer.alloc(16, 0xee);
    const own = (length: number, offset: number) =>
      thrown(() =>
        addon.readMemoryRanges(
          process.pid,
          Float64Array.of(4096, 4096),
          Uint32Array.of(1, length),
          buffer,
          Float64Array.of(0, offset),
          new Uint32Array(2),
        ),
      );
    for (const [length, offset] of [
      [1, 16],
      [17, 0],
      [1, -1],
      [1, 0.5],
      [1, Number.NaN],
      [1, Number.MAX_SAFE_INTEGER],
      [0xffffffff, 1],
    ] as const) {
      expect(own(length, offset)).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }
    expect(buffer).toEqual(Buffer.alloc(16, 0xee));
  });
});
