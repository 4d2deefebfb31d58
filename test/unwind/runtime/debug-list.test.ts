import { describe, expect, it } from 'vitest';
import { LAYOUT_64, LAYOUT_ARM, LAYOUT_X86, readDebugList } from '../../../src/unwind/runtime/debug-list.js';
import { ENTRY_STEP, putDebugList } from '../debug-list-builder.js';
import { SparseMemory } from '../sparse-memory.js';

const DESCRIPTOR = 0x10000;
const files = [
  { address: 0x200000, size: 0x100 },
  { address: 0x300000, size: 0x200 },
  { address: 0x400000, size: 0x300 },
];
/** The same as they are read, behind `skipped` entries without a file. */
const entries = (skipped = 0) =>
  files.map((file, i) => ({ ...file, entry: DESCRIPTOR + 0x1000 + (skipped + i) * ENTRY_STEP }));

describe.each([
  ['64 bits', LAYOUT_64],
  ['arm', LAYOUT_ARM],
  ['x86', LAYOUT_X86],
] as const)('%s', (_, layout) => {
  it.each([true, false])('Android’s version: %s', (android) => {
    const memory = new SparseMemory();
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files, android });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toEqual({ entries: entries(), end: 'whole' });
  });

  it('has no entries without a descriptor of version 1 that has one', () => {
    const memory = new SparseMemory();
    expect(readDebugList(memory, DESCRIPTOR, layout)).toBeNull();
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files, version: 2 });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toBeNull();
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files: [] });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toBeNull();
  });

  it('ends at a cycle', () => {
    const memory = new SparseMemory();
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files, last: DESCRIPTOR + 0x1000 + ENTRY_STEP });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toEqual({ entries: entries(), end: 'cyclic' });
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files: files.slice(0, 1), last: DESCRIPTOR + 0x1000 });
    expect(readDebugList(memory, DESCRIPTOR, layout)!.end).toBe('cyclic');
  });

  it('keeps what it read before the list was lost', () => {
    const memory = new SparseMemory();
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files, last: 0x7000_0000 });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toEqual({ entries: entries(), end: 'unreadable' });
  });

  it('stops at an entry that was being changed when the process was frozen', () => {
    const memory = new SparseMemory();
    const changing = files.map((file, i) => ({ ...file, seqlock: i === 1 ? 3 : 2 }));
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files: changing, android: true });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toEqual({ entries: entries().slice(0, 1), end: 'changing' });
    expect(memory.reads).toBeLessThan(300);
  });

  it('reads again what changed meanwhile', () => {
    const memory = new SparseMemory();
    const put = (seqlock: number): void =>
      putDebugList(memory, {
        layout,
        descriptor: DESCRIPTOR,
        files: files.map((file) => ({ ...file, seqlock })),
        android: true,
      });
    put(1);
    let left = 20;
    const changing = {
      read(address: number, into: Uint8Array): number {
        if (--left === 0) put(2);
        return memory.read(address, into);
      },
    };
    expect(readDebugList(changing, DESCRIPTOR, layout)).toEqual({ entries: entries(), end: 'whole' });
  });

  it('leaves out entries without a file', () => {
    const memory = new SparseMemory();
    const empty = [
      { address: 0, size: 0x100 },
      { address: 0x1000, size: 0 },
      { address: 0x2000, size: 2 ** 60 },
    ];
    putDebugList(memory, { layout, descriptor: DESCRIPTOR, files: [...empty, ...files] });
    expect(readDebugList(memory, DESCRIPTOR, layout)).toEqual({ entries: entries(3), end: 'whole' });
  });
});

it('takes tags off pointers', () => {
  const memory = new SparseMemory();
  putDebugList(memory, { layout: LAYOUT_64, descriptor: DESCRIPTOR, files, android: true, tag: 0xb4 });
  expect(readDebugList(memory, DESCRIPTOR, LAYOUT_64)).toEqual({ entries: entries(), end: 'whole' });
});

it('bounds a list that has no end', () => {
  const endless = {
    read(address: number, into: Uint8Array): number {
      into.fill(0);
      const view = new DataView(into.buffer, into.byteOffset, into.length);
      if (address === DESCRIPTOR) view.setUint32(0, 1, true);
      // The first pointer of everything leads on.
      const next = address < DESCRIPTOR + 24 ? 0x100000 : address + 32;
      if (into.length === 8) view.setBigUint64(0, BigInt(next), true);
      if (into.length === 24) view.setBigUint64(16, 0x100000n, true);
      return into.length;
    },
  };
  const list = readDebugList(endless, DESCRIPTOR, LAYOUT_64)!;
  expect(list.end).toBe('too long');
});
