import { describe, expect, it } from 'vitest';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import { WordMemory } from '../../src/bytes/word-memory.js';

/** Counts the reads below a cache. */
class Counting implements Memory {
  reads = 0;
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  read(address: number, into: Uint8Array): number {
    this.reads++;
    return this.#memory.read(address, into);
  }
}

const numbered = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i & 0xff);

describe('WordMemory', () => {
  it('gives words in two halves', () => {
    const memory = new WordMemory(new BufferMemory(0x1000, new Uint8Array([1, 0, 0, 0x80, 2, 0, 0, 0xff, 9])));
    expect(memory.word64(0x1000)).toBe(true);
    expect([memory.lo, memory.hi]).toEqual([0x80000001, 0xff000002]);
    expect(memory.word32(0x1004)).toBe(true);
    expect([memory.lo, memory.hi]).toEqual([0xff000002, 0]);
    expect(memory.word64(0x1001)).toBe(true);
    expect(memory.word64(0x1002)).toBe(false);
  });

  it.each([
    ['a whole page', 0x10000, 0x1000],
    ['from inside a page', 0x10123, 0x400],
    ['over many pages', 0x10ff8, 0x3010],
  ])('reads every word of %s like the memory below', (_, start, length) => {
    const bytes = numbered(length);
    const memory = new WordMemory(new BufferMemory(start, bytes));
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 8 <= length; at += 5) {
      expect(memory.word64(start + at)).toBe(true);
      expect([memory.lo, memory.hi]).toEqual([view.getUint32(at, true), view.getUint32(at + 4, true)]);
    }
    expect(memory.word64(start + length - 7)).toBe(false);
    expect(memory.word64(start - 1)).toBe(false);
  });

  it('reads a page once', () => {
    const below = new Counting(new BufferMemory(0x20000, numbered(0x1000)));
    const memory = new WordMemory(below);
    for (let at = 0; at < 0x1000; at += 8) memory.word64(0x20000 + at);
    expect(below.reads).toBe(1);
    memory.clear();
    memory.word64(0x20000);
    expect(below.reads).toBe(2);
  });

  it('gives values of any size, zero-extended', () => {
    const memory = new WordMemory(new BufferMemory(0, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])));
    expect(memory.value(0, 1) && memory.lo).toBe(1);
    expect(memory.value(1, 2) && memory.lo).toBe(0x0302);
    expect(memory.value(2, 6) && [memory.lo, memory.hi]).toEqual([0x06050403, 0x0807]);
    expect(memory.value(0, 9)).toBe(false);
    expect(memory.value(0, 0)).toBe(false);
  });

  it('finds nothing at what is no address', () => {
    const memory = new WordMemory(new BufferMemory(0, numbered(64)));
    for (const address of [-8, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64])
      expect(memory.word64(address)).toBe(false);
  });
});
