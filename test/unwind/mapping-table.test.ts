import { describe, expect, it } from 'vitest';
import { isDevice, MappingTable } from '../../src/unwind/mapping-table.js';
import { mapping } from './walk-builder.js';

const table = new MappingTable([
  mapping({ start: 0x3000, end: 0x4000, prot: 5, offset: 0x2000, name: '/lib' }),
  mapping({ start: 0x1000, end: 0x2000, prot: 1, name: '/lib' }),
  mapping({ start: 0x2000, end: 0x3000, prot: 0 }),
  mapping({ start: 0x4000, end: 0x5000, prot: 3, offset: 0x3000, name: '/lib' }),
  mapping({ start: 0x6000, end: 0x6000, name: 'empty' }),
  mapping({ start: 0x7000, end: 0x8000, prot: 3, name: '/other' }),
]);

describe('MappingTable', () => {
  it('finds the mapping that holds an address', () => {
    const starts = [0xfff, 0x1000, 0x1fff, 0x2000, 0x4fff, 0x5000, 0x6000, 0x7abc, 0x8000, Number.NaN, -1, 2 ** 60].map(
      (address) => {
        const index = table.find(address);
        return index < 0 ? null : table.mappings[index]!.start;
      },
    );
    expect(starts).toEqual([null, 0x1000, 0x1000, 0x2000, 0x4000, null, null, 0x7000, null, null, null, null]);
  });

  it('knows what is executable', () => {
    expect([0x1000, 0x3000, 0x9000].map((address) => table.isExecutable(address))).toEqual([false, true, false]);
  });

  it('finds the neighbours of a file over the gaps', () => {
    const code = table.find(0x3000);
    expect(table.neighbour(code, -1)?.start).toBe(0x1000);
    expect(table.neighbour(code, 1)?.start).toBe(0x4000);
    expect(table.neighbour(table.find(0x1000), -1)).toBeNull();
    expect(table.neighbour(table.find(0x4000), 1)).toBeNull();
    expect(table.neighbour(table.find(0x2000), 1)).toBeNull();
  });

  it('takes the inner of two mappings that overlap, whatever was asked before', () => {
    const overlapping = new MappingTable([
      mapping({ start: 0x1000, end: 0x9000 }),
      mapping({ start: 0x2000, end: 0x3000, name: 'jit0' }),
      mapping({ start: 0x5000, end: 0x6000, name: 'jit1' }),
      mapping({ start: 0x8000, end: 0xa000, name: 'across' }),
    ]);
    const nameAt = (address: number): string | undefined => overlapping.mappings[overlapping.find(address)]?.name;
    const addresses = [0x1000, 0x2000, 0x3000, 0x5fff, 0x6000, 0x2fff, 0x8000, 0x9fff, 0xa000];
    expect(addresses.map(nameAt)).toEqual(['', 'jit0', '', 'jit1', '', 'jit0', 'across', 'across', undefined]);
  });

  it('tells device memory', () => {
    const devices = ['/dev/kgsl', '/dev/ashmem', '/dev/shm', '/dev/dri/card0'];
    const memory = ['/dev/ashmem/dalvik', '/dev/shm/lib.so', '/dev/hugepages/x', '/devices', ''];
    expect(devices.filter((name) => !isDevice(mapping({ name })))).toEqual([]);
    expect(memory.filter((name) => isDevice(mapping({ name })))).toEqual([]);
  });
});
