/**
 * The maps and modules of cores whose writer left out what is as its file has it (gdb's gcore): those mappings stand in
 * NT_FILE alone.
 */
import { describe, expect, test } from 'vitest';
import { BufferSource, type ByteSource } from '../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import type { CoreFile, CoreMappedFile, CoreSegment } from '../../src/coredump/core-file.js';
import { modulesOfMemory } from '../../src/coredump/core-modules.js';
import { mapsOfCore } from '../../src/coredump/maps-of-core.js';
import { parseMaps } from '../../src/linux/maps.js';
import { buildElf, buildIdNote, stringTable, words } from '../objects/elf/elf-builder.js';

const BASE = 0x7f0000000000;
const PAGE = 0x1000;
const [R, RW, RX] = [4, 6, 5];

/** A library of four pages: header, code, constants, data; its first and last page are what a core has of it. */
const names = stringTable(['libnamed.so.3']);
const image = ({ base, soname = true }: { base: number; soname?: boolean }): Uint8Array => {
  const strings = 0x200;
  const bytes = new Uint8Array(PAGE * 4);
  const built = buildElf({
    noSectionHeaders: true,
    sections: [{ name: '.note', bytes: buildIdNote(Buffer.from('0123456789abcdef0123', 'latin1')), addr: 0x180 }],
    segments: [
      { type: 1, flags: R, offset: 0, vaddr: 0, filesz: PAGE },
      { type: 1, flags: RX, offset: PAGE, vaddr: PAGE, filesz: PAGE },
      { type: 1, flags: R, offset: 2 * PAGE, vaddr: 2 * PAGE, filesz: PAGE },
      { type: 1, flags: RW, offset: 2 * PAGE, vaddr: 3 * PAGE, filesz: PAGE },
      { type: 2, flags: RW, offset: 2 * PAGE + 0x800, vaddr: 3 * PAGE + 0x800, filesz: 0x100 },
      { type: 4, flags: R, section: '.note' },
    ],
  });
  bytes.set(built.bytes);
  bytes.set(names.bytes, strings);
  // DT_STRTAB as the dynamic linker leaves it: an address.
  const name = names.offsets['libnamed.so.3']!;
  const table = [5, base + strings, 10, names.bytes.length, ...(soname ? [14, name] : []), 0, 0];
  bytes.set(words(8, ...table), 3 * PAGE + 0x800);
  return bytes;
};

const files = (name: string): CoreMappedFile[] =>
  [0, 1, 2, 2].map((page, i) => ({ start: BASE + i * PAGE, end: BASE + (i + 1) * PAGE, offset: page * PAGE, name }));

const segment = (address: number, memorySize: number, flags: number): CoreSegment => ({
  address,
  memorySize,
  offset: 0,
  fileSize: memorySize,
  flags,
});

/** `bytes`: from BASE on; the core has of them what its segments cover. */
function coreOf(segments: readonly CoreSegment[], mapped: readonly CoreMappedFile[], bytes: Uint8Array): CoreFile {
  const all = new BufferMemory(BASE, bytes);
  const memory: Memory = {
    read(address, into) {
      const holding = segments.find((each) => address >= each.address && address < each.address + each.memorySize);
      const left = holding === undefined ? 0 : holding.address + holding.memorySize - address;
      return all.read(address, into.subarray(0, left));
    },
  };
  return { segments, files: mapped, memory } as unknown as CoreFile;
}

const lines = (core: CoreFile): string[] =>
  mapsOfCore(core, [])
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/ 00:00 0\s*/g, ' ')
        .replaceAll('7f0000000000', 'BASE')
        .trimEnd(),
    );

const HEADER_AND_DATA = [segment(BASE, PAGE, R), segment(BASE + 3 * PAGE, PAGE, RW)];

describe('what stands in NT_FILE alone', () => {
  test('has the permissions of its segment in the image', () => {
    const core = coreOf(HEADER_AND_DATA, files('/lib/x.so'), image({ base: BASE }));
    expect(lines(core)).toEqual([
      'BASE-7f0000001000 r--p 00000000 /lib/x.so',
      '7f0000001000-7f0000002000 r-xp 00001000 /lib/x.so',
      '7f0000002000-7f0000003000 r--p 00002000 /lib/x.so',
      '7f0000003000-7f0000004000 rw-p 00002000 /lib/x.so',
    ]);
  });

  test('without headers: readable, and executable behind the begin of the file', () => {
    const core = coreOf([], files('/lib/x.so').slice(0, 2), new Uint8Array(0));
    expect(lines(core)).toEqual([
      'BASE-7f0000001000 r--p 00000000 /lib/x.so',
      '7f0000001000-7f0000002000 r-xp 00001000 /lib/x.so',
    ]);
  });

  test('segments that begin or end within an entry, or go over several', () => {
    const all = files('/lib/x.so');
    const core = coreOf(
      [segment(BASE - PAGE, 2 * PAGE + 0x800, RW), segment(BASE + 3 * PAGE, 2 * PAGE, RX)],
      all,
      image({ base: BASE }),
    );
    expect(lines(core)).toEqual([
      '7efffffff000-BASE rw-p 00000000',
      'BASE-7f0000001000 rw-p 00000000 /lib/x.so',
      '7f0000001000-7f0000002000 rw-p 00001000 /lib/x.so',
      '7f0000002000-7f0000003000 r--p 00002000 /lib/x.so',
      '7f0000003000-7f0000004000 r-xp 00002000 /lib/x.so',
      '7f0000004000-7f0000005000 r-xp 00000000',
    ]);
  });

  test('entries and segments that overlap are no trap', () => {
    const many = Array.from({ length: 2_000 }, () => files('/lib/x.so')).flat();
    const core = coreOf(
      Array.from({ length: 2_000 }, () => segment(BASE, 4 * PAGE, RW)),
      many,
      new Uint8Array(0),
    );
    expect(lines(core)).toHaveLength(4);
  });
});

describe('the name that a module gives itself', () => {
  const modulesWith = (memory: Uint8Array, fileOf?: (name: string) => ByteSource | null) => {
    const core = coreOf(HEADER_AND_DATA, files('/lib/libfile.so'), memory);
    const { mappings } = parseMaps(mapsOfCore(core, []));
    return modulesOfMemory(mappings, core.memory, 0, fileOf);
  };

  test('where its string table is an address, and .dynamic lies in a page that is mapped twice', () => {
    expect(modulesWith(image({ base: BASE }))).toMatchObject([
      { base: BASE, size: 4 * PAGE, name: '/lib/libnamed.so.3', version: [3, 0, 0, 0] },
    ]);
  });

  test('out of its file, where the core has the first bytes only and the build id is the same', () => {
    const onDisk = image({ base: 0 });
    onDisk.copyWithin(2 * PAGE, 3 * PAGE);
    const kept = image({ base: BASE }).subarray(0, 0x200);
    expect(modulesWith(kept)[0]!.name).toBe('/lib/libfile.so');
    expect(modulesWith(kept, () => new BufferSource(onDisk))[0]!.name).toBe('/lib/libnamed.so.3');
    const other = onDisk.map((byte, i) => (byte === 0x30 && i < 0x200 ? 0x31 : byte));
    expect(modulesWith(kept, () => new BufferSource(other))[0]!.name).toBe('/lib/libfile.so');
  });
});
