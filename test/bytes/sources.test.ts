import { describe, expect, it } from 'vitest';
import { BufferSource, SliceSource } from '../../src/bytes/byte-source.js';
import { LittleEndian } from '../../src/bytes/little-endian.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import { MemorySource, readGrowing } from '../../src/bytes/memory-source.js';

const numbered = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i & 0xff);
const HOSTILE = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

describe('byte sources', () => {
  it('end where their bytes end', () => {
    const source = new BufferSource(numbered(10));
    expect([...source.bytes(8, 5)]).toEqual([8, 9]);
    expect(source.bytes(10, 1).length).toBe(0);
    for (const value of HOSTILE) expect(source.bytes(value, 4).length).toBe(0);
    expect(source.bytes(0, Number.NaN).length).toBe(0);
  });

  it('are cut into slices', () => {
    const slice = new SliceSource(new BufferSource(numbered(10)), 4, 3);
    expect(slice.size).toBe(3);
    expect([...slice.bytes(1, 100)]).toEqual([5, 6]);
    expect(new SliceSource(new BufferSource(numbered(10)), 20).size).toBe(0);
    for (const value of HOSTILE) expect(slice.bytes(value, 1).length).toBe(0);
  });

  it('lay memory out by offset, holes left out', () => {
    const memory = new BufferMemory(0x5000, numbered(0x100));
    const source = new MemorySource(memory, [
      { offset: 0, address: 0x5000, size: 0x10 },
      { offset: 0x10, address: 0x5040, size: 0x10 },
      { offset: 0x30, address: 0x5080, size: 0x10 },
    ]);
    expect(source.size).toBe(0x40);
    expect([...source.bytes(0xe, 4)]).toEqual([0xe, 0xf, 0x40, 0x41]);
    expect(source.bytes(0x1c, 0x20).length).toBe(4);
    expect(source.bytes(0x20, 4).length).toBe(0);
    expect([...source.bytes(0x30, 2)]).toEqual([0x80, 0x81]);
  });

  it('allocate no more than is there, whatever is asked', () => {
    let largest = 0;
    const memory: Memory = {
      read(address, into) {
        largest = Math.max(largest, into.length);
        const left = Math.max(0, 100_000 - address);
        return Math.min(left, into.length);
      },
    };
    expect(readGrowing(memory, 0, 2 ** 52).length).toBe(100_000);
    expect(largest).toBeLessThanOrEqual(65536);
  });
});

describe('LittleEndian', () => {
  it('reads NaN outside', () => {
    const data = new LittleEndian(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    expect(data.u32(0)).toBe(0x04030201);
    expect(data.u64(0)).toBe(0x08070605 * 2 ** 32 + 0x04030201);
    for (const at of [5, -1, Number.NaN, 0.5]) expect(data.u32(at)).toBeNaN();
  });

  it('reads text up to its end, its NUL or a limit', () => {
    const data = new LittleEndian(Buffer.from('abc\0def'));
    expect(data.text(0, 100)).toBe('abc');
    expect(data.text(4, 2)).toBe('de');
    expect(data.text(4, 100)).toBe('def');
    expect(data.text(7, 1)).toBe('');
  });
});
