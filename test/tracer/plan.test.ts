import { describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { parseMaps } from '../../src/linux/maps.js';
import { interruptedStack, isStackLike } from '../../src/tracer/capture/alternate-stack.js';
import { clip } from '../../src/tracer/capture/memory-near.js';
import { stackInUse, stackMapping } from '../../src/tracer/capture/stacks.js';

const x86_64 = byName('x86_64');
const { mappings } = parseMaps(
  Buffer.from(
    [
      '100000-101000 r-xp 00000000 fd:01 7 /bin/program',
      '200000-300000 rw-p 00000000 00:00 0 [heap]',
      '400000-401000 ---p 00000000 00:00 0',
      '401000-500000 rw-p 00000000 00:00 0',
      '500000-501000 r--p 00000000 00:00 0',
      '7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0 [stack]',
      '',
    ].join('\n'),
  ),
);
const [program, heap, guard, thread, , stack] = mappings.map((_, index) => index);

describe('where a stack lies', () => {
  it('is the mapping of sp', () => {
    expect(stackMapping(mappings, 0x480000)).toBe(thread);
    expect(stackMapping(mappings, 0x401000)).toBe(thread);
    expect(stackMapping(mappings, 0x7ffd000ffff8)).toBe(stack);
  });

  it('is the one above a guard, a gap, or something that nobody writes', () => {
    expect(stackMapping(mappings, 0x400ff8)).toBe(thread);
    expect(stackMapping(mappings, 0x3ffff8)).toBe(thread);
    expect(stackMapping(mappings, 0x7ffd00000000 - 0x100000)).toBe(stack);
    expect(stackMapping(mappings, 0x100800)).toBe(heap);
  });

  it('is nowhere when nothing is near', () => {
    for (const sp of [-1, 0, 0x500800, 0x7ffd00000000 - 0x300000, 0x7ffd00100000, 2 ** 52])
      expect(stackMapping(mappings, sp)).toBe(-1);
  });

  it('is in use from below sp on, as far as the mapping reaches', () => {
    expect(stackInUse(x86_64, mappings, 5, 0x480007)).toEqual({ tid: 5, from: 0x480000 - 128, to: 0x500000 });
    expect(stackInUse(x86_64, mappings, 5, 0x401010)).toEqual({
      tid: 5,
      from: 0x401000,
      to: 0x500000,
      overflowed: true,
    });
    expect(stackInUse(x86_64, mappings, 5, 0x3ff000)).toMatchObject({ from: 0x401000, to: 0x500000, overflowed: true });
    expect(stackInUse(byName('x86'), mappings, 5, 0x480000)).toEqual({ tid: 5, from: 0x480000 - 64, to: 0x500000 });
    expect(stackInUse(x86_64, mappings, 5, 0)).toEqual({ tid: 5, from: 0, to: 0 });
  });
});

describe('the stack that a signal interrupted', () => {
  const words = (...values: number[]): Buffer => {
    const buffer = Buffer.alloc(8 * values.length);
    values.forEach((value, i) => {
      buffer.writeBigUInt64LE(BigInt(value), 8 * i);
    });
    return buffer;
  };
  const search = (bytes: Buffer, taken: number[] = [], limit = 0x40000) =>
    interruptedStack(x86_64, mappings, bytes, heap!, new Set(taken), limit);

  it('is the one that several words point into, from the lowest of them on', () => {
    expect(search(words(1, 0x480100, 0, 0x480200, 0x200010, 0x100010))).toEqual({
      address: 0x480100 - 512,
      size: 0x40000,
    });
    expect(search(words(0x7ffd000ff000, 0x7ffd000ff010))).toEqual({
      address: 0x7ffd000ff000 - 512,
      size: 0x1000 + 512,
    });
    expect(search(words(0x401010, 0x401020), [], 4096)).toEqual({ address: 0x401000, size: 4096 });
  });

  it('is not the heap, code, the own one, another thread’s, or that of a single stray word', () => {
    expect(search(words(0x200010, 0x200020, 0x100010, 0x100020))).toBeNull();
    expect(search(words(0x480100))).toBeNull();
    expect(search(words(0x480100, 0x480200), [thread!])).toBeNull();
    expect(interruptedStack(x86_64, mappings, words(0x480100, 0x480200), thread!, new Set(), 4096)).toBeNull();
    expect(search(Buffer.alloc(0))).toBeNull();
    expect(search(Buffer.alloc(7, 0xff))).toBeNull();
    expect(search(Buffer.alloc(800, 0xff))).toBeNull();
  });

  it('looks like a stack: the main one, or memory above a guard', () => {
    expect(mappings.map((_, index) => isStackLike(mappings, index))).toEqual([false, false, false, true, false, true]);
    expect([program, heap, guard, thread, stack]).toEqual([0, 1, 2, 3, 5]);
  });
});

describe('clip', () => {
  it('keeps what is mapped readable', () => {
    expect(clip(mappings, 0x100f00, 0x101100)).toEqual([{ address: 0x100f00, size: 0x100 }]);
    expect(clip(mappings, 0xff000, 0x100010)).toEqual([{ address: 0x100000, size: 0x10 }]);
    expect(clip(mappings, 0x4fff00, 0x500100)).toEqual([
      { address: 0x4fff00, size: 0x100 },
      { address: 0x500000, size: 0x100 },
    ]);
    expect(clip(mappings, 0x400000, 0x401000)).toEqual([]);
    expect(clip(mappings, 0, 0x1000)).toEqual([]);
    expect(clip(mappings, 2 ** 52, 2 ** 52 + 10)).toEqual([]);
  });
});
