import { describe, expect, test } from 'vitest';
import { type CopyPlan, planCopy } from '../../../src/minidump/writer/copy-plan.js';
import { MinidumpWriter } from '../../../src/minidump/writer/writer.js';

const KiB = 1024;
const thread = (tid: number, size: number) => ({ tid, from: tid * 0x1000000, to: tid * 0x1000000 + size });
const bytes = ({ stacks, memory }: CopyPlan) =>
  [...stacks, ...memory].reduce((sum, range) => sum + (range?.size ?? 0), 0);

describe('planCopy', () => {
  test('everything, when everything fits', () => {
    const plan = planCopy({
      threads: [thread(1, 8000), thread(2, 100), thread(3, 0)],
      near: [{ address: 0x10, size: 512 }],
      rest: [{ address: 0x1000, size: 4096 }],
      fixedBytes: 10000,
    });
    expect(plan).toEqual({
      stacks: [{ address: 0x1000000, size: 8000 }, { address: 0x2000000, size: 100 }, null],
      memory: [
        { address: 0x10, size: 512 },
        { address: 0x1000, size: 4096 },
      ],
      losses: [],
    });
  });

  test('a stack longer than its budget keeps its top and its base', () => {
    const plan = planCopy(
      { threads: [thread(1, 8 * 1024 * KiB)], near: [], rest: [], fixedBytes: 0 },
      { stackBytes: 256 * KiB, dumpBytes: 16 * 1024 * KiB },
    );
    expect(plan.stacks).toEqual([{ address: 0x1000000, size: 192 * KiB }]);
    expect(plan.memory).toEqual([{ address: 0x1000000 + 8 * 1024 * KiB - 64 * KiB, size: 64 * KiB }]);
  });

  test('when the dump is full the crashed thread is whole, the others are cut alike, the rest is left out', () => {
    const threads = Array.from({ length: 100 }, (_, i) => thread(i + 1, 256 * KiB));
    const near = [{ address: 0x10, size: 512 }];
    const rest = [{ address: 0x1000, size: 64 * KiB }];
    const budget = { stackBytes: 256 * KiB, dumpBytes: 2048 * KiB };
    const plan = planCopy({ threads, near, rest, fixedBytes: 200 * KiB }, budget);
    expect(plan.stacks[0]).toEqual({ address: 0x1000000, size: 256 * KiB });
    expect(plan.memory).toContainEqual(near[0]);
    expect(plan.memory).not.toContainEqual(rest[0]);
    const sizes = new Set(plan.stacks.slice(1).map((stack) => stack?.size));
    expect(sizes.size).toBe(1);
    expect(bytes(plan)).toBeLessThan(1848 * KiB);
    expect(bytes(plan)).toBeGreaterThan(1700 * KiB);
    expect(plan.losses).toHaveLength(2);
  });

  test('short stacks leave their room to long ones', () => {
    const threads = [thread(1, 1000), ...Array.from({ length: 50 }, (_, i) => thread(i + 2, i % 2 ? 1000 : 256 * KiB))];
    const plan = planCopy(
      { threads, near: [], rest: [], fixedBytes: 0 },
      { stackBytes: 256 * KiB, dumpBytes: 1024 * KiB },
    );
    expect(plan.stacks[2]?.size).toBe(1000);
    expect(plan.stacks[1]!.size).toBeGreaterThan(25 * KiB);
  });

  test('no room at all: nothing is planned, and it says so', () => {
    const plan = planCopy(
      { threads: [thread(1, 9000), thread(2, 9000)], near: [{ address: 1, size: 10 }], rest: [], fixedBytes: 5000 },
      { stackBytes: 256 * KiB, dumpBytes: 4000 },
    );
    expect(plan.stacks).toEqual([null, null]);
    expect(plan.memory).toEqual([]);
    expect(plan.losses.length).toBeGreaterThan(0);
  });

  test.each([0, 1, 7, 500, 5000])('the file keeps the cap with %i threads', (count) => {
    const budget = { stackBytes: 64 * KiB, dumpBytes: 4 * 1024 * KiB };
    const threads = Array.from({ length: count }, (_, i) => thread(i + 1, 1000 + ((i * 7919) % (300 * KiB))));
    const context = new Uint8Array(1232);
    const fixed = new MinidumpWriter(0);
    for (const { tid } of threads.slice(0, 2000)) fixed.addThread({ tid, context, stack: null });
    const used = threads.slice(0, 2000);
    const rest = Array.from({ length: 300 }, (_, i) => ({ address: 0x100000 + i * 8192, size: 4095 }));
    const plan = planCopy({ threads: used, near: [], rest, fixedBytes: fixed.size }, budget);
    const writer = new MinidumpWriter(0);
    const buffer = new Uint8Array(300 * KiB);
    used.forEach(({ tid }, i) => {
      const stack = plan.stacks[i] ?? null;
      writer.addThread({
        tid,
        context,
        stack: stack && { address: stack.address, bytes: buffer.subarray(0, stack.size) },
      });
    });
    for (const { address, size } of plan.memory) writer.addMemory(address, buffer.subarray(0, size));
    expect(writer.size).toBeLessThanOrEqual(budget.dumpBytes);
  });
});

test('an overflowed stack of the crashed thread is copied whole where there is room', () => {
  const MiB = 1024 * KiB;
  const threads = [
    { tid: 1, from: 0x1000_0000, to: 0x1000_0000 + 8 * MiB, overflowed: true },
    { tid: 2, from: 0x2000_0000, to: 0x2000_0000 + 8 * MiB, overflowed: true },
  ];
  const plan = (dumpBytes: number) =>
    planCopy({ threads, near: [], rest: [], fixedBytes: 0 }, { stackBytes: 256 * KiB, dumpBytes }).stacks;
  expect(plan(16 * MiB)).toEqual([
    { address: 0x1000_0000, size: 8 * MiB },
    { address: 0x2000_0000, size: 192 * KiB },
  ]);
  // A smaller dump leaves room for the others.
  expect(plan(4 * MiB)[0]!.size).toBeLessThan(2 * MiB);
  expect(plan(4 * MiB)[0]!.size).toBeGreaterThan(MiB);
  expect(plan(MiB)[0]).toEqual({ address: 0x1000_0000, size: 192 * KiB });
});
