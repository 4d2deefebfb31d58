import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { splitModules } from '../../../src/report/from-dump/module-mappings.js';
import { tinyElf } from '../../engraver/build-elf.js';

const module = { start: 0x10000, end: 0x15000, perms: 'r-xp', prot: 5, offset: 0, name: '/a', device: '', inode: 0 };

/** An image whose program headers are these PT_LOADs: [flags, offset, vaddr, filesz]. */
function elf(...loads: readonly (readonly [number, number, number, number])[]): BufferSource {
  const bytes = tinyElf(null, 0x4000);
  bytes.writeUInt16LE(loads.length, 56);
  loads.forEach(([flags, offset, vaddr, filesz], i) => {
    const at = 64 + 56 * i;
    bytes.fill(0, at, at + 56);
    bytes.writeUInt32LE(1, at);
    bytes.writeUInt32LE(flags, at + 4);
    for (const [place, value] of [
      [8, offset],
      [16, vaddr],
      [32, filesz],
      [40, filesz],
    ] as const) {
      bytes.writeBigUInt64LE(BigInt(value), at + place);
    }
  });
  return new BufferSource(bytes);
}

const ranges = (file: BufferSource | null) =>
  splitModules([module], () => file).map(({ start, end, perms, prot, offset }) => [start, end, perms, prot, offset]);

describe('splitModules', () => {
  it('makes the mappings that the kernel made', () => {
    const file = elf([4, 0, 0, 0x600], [5, 0x600, 0x1600, 0x900], [6, 0xf00, 0x2f00, 0x200]);
    expect(ranges(file)).toEqual([
      [0x10000, 0x11000, 'r--p', 4 >> 2, 0],
      [0x11000, 0x12000, 'r-xp', 5, 0],
      [0x12000, 0x14000, 'rw-p', 3, 0],
    ]);
  });

  it('counts from the lowest address of the image', () => {
    expect(ranges(elf([5, 0x1000, 0x401000, 0x1000]))).toEqual([[0x10000, 0x11000, 'r-xp', 5, 0x1000]]);
  });

  const whole = [[0x10000, 0x15000, 'r-xp', 5, 0]];
  it.each([
    ['no file', null],
    ['no image', new BufferSource(Buffer.alloc(100))],
    ['no segments', elf()],
    ['segments beyond the module', elf([4, 0, 0, 0x1000], [5, 0x1000, 0x100000, 0x1000])],
    ['segments in disorder', elf([4, 0, 0x3000, 0x1000], [5, 0, 0, 0x1000])],
  ])('leaves a module whole that has %s', (_, file) => {
    expect(ranges(file)).toEqual(whole);
  });
});
