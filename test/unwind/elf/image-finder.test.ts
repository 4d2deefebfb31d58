import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../../src/bytes/memory.js';
import { ElfModules } from '../../../src/unwind/elf/elf-modules.js';
import { type FoundElf, ImageFinder } from '../../../src/unwind/elf/image-finder.js';
import type { Mapping } from '../../../src/unwind/mapping.js';
import { MappingTable } from '../../../src/unwind/mapping-table.js';
import { buildElf, stringTable, words } from '../../objects/elf/elf-builder.js';
import { buildZip } from '../../objects/elf/zip-builder.js';
import { ANDROID_RULES, rulesOf } from '../../recorded/android-rules.js';
import { mapping, namesOf } from '../walk-builder.js';

const arch = byName('arm64');
const PAGE = 0x1000;
const R = 1;
const RX = 5;
const X = 4;
const BASE = 0x7000000;

/** A library of two pages, whose code begins in the second; its soname and its section headers lie behind them. */
function library(loadBias = 0): Uint8Array {
  const names = stringTable(['libfoo.so']);
  const dynamic = words(8, 5, 0x2000 + loadBias, 10, names.bytes.length, 14, names.offsets['libfoo.so']!, 0, 0);
  return buildElf({
    machine: arch.elfMachine,
    segments: [
      { type: 1, flags: 4, offset: 0, vaddr: 0, filesz: PAGE },
      { type: 1, flags: 5, offset: PAGE, vaddr: PAGE + loadBias, filesz: PAGE },
      { type: 2, section: '.dynamic' },
    ],
    sections: [
      { name: '.text', addr: PAGE + loadBias, align: PAGE, bytes: new Uint8Array(PAGE) },
      { name: '.dynstr', type: 3, addr: 0x2000 + loadBias, bytes: names.bytes },
      { name: '.dynamic', type: 6, addr: 0x2100 + loadBias, bytes: dynamic },
    ],
  }).bytes;
}

/** An apk: `offset` bytes of something else, the library, something else again. */
function apk(offset: number, inner = library()): Uint8Array {
  const bytes = new Uint8Array(offset + inner.length + 500).fill(0x50);
  bytes.set(inner, offset);
  return bytes;
}

interface Setup {
  readonly mappings: readonly Partial<Mapping>[];
  readonly file?: Uint8Array | null;
  readonly memory?: Memory;
  readonly android?: boolean;
}

const nothing: Memory = { read: () => 0 };

function images({ mappings, file = null, memory = nothing, android = false }: Setup): ElfModules {
  const source: ByteSource | null = file === null ? null : new BufferSource(file);
  return new ElfModules({
    arch,
    mappings: new MappingTable(mappings.map((part) => mapping({ name: '/lib', ...part }))),
    memory,
    files: { file: ({ name }) => (name === '/lib' ? source : null) },
    naming: namesOf([]),
    rules: rulesOf(android),
  });
}

/** relPc of a pc, where in the file the image begins, and the frame's map name. */
function at(setup: Setup, pc: number): [relPc: number, start: number, name: string] | string {
  const found = images(setup);
  const index = found.mappings.find(pc);
  const { module, bias, start, error, name } = found.find(index);
  if (module === null) return error;
  return [pc + bias, start, name];
}

const map = (start: number, end: number, prot: number, offset: number, name = '/lib'): Partial<Mapping> => ({
  start: BASE + start,
  end: BASE + end,
  prot,
  offset,
  name,
});

describe.each([true, false])('images in files (Android’s rules: %s)', (android) => {
  it('are the whole file, from one mapping or several', () => {
    const file = library();
    expect(at({ android, file, mappings: [map(0, 0x2000, RX, 0)] }, BASE + 0x1234)).toEqual([0x1234, 0, '/lib']);
    const split = [map(0, 0x1000, R, 0), map(0x1000, 0x2000, RX, 0x1000)];
    expect(at({ android, file, mappings: split }, BASE + 0x1234)).toEqual([0x1234, 0, '/lib']);
  });

  it('have addresses of their own', () => {
    const split = [map(0, 0x1000, R, 0), map(0x5000, 0x6000, X, 0x1000)];
    expect(at({ android, file: library(0x4000), mappings: split }, BASE + 0x5234)).toEqual([0x5234, 0, '/lib']);
  });

  it('lie inside an apk, mapped as one', () => {
    const setup = { android, file: apk(0x4000), mappings: [map(0, 0x2000, RX, 0x4000)] };
    expect(at(setup, BASE + 0x1234)).toEqual([0x1234, 0x4000, '/lib!libfoo.so']);
  });

  it('lie inside an apk, headers and code apart', () => {
    const mappings = [map(0, 0x1000, R, 0x4000), map(0x1000, 0x2000, RX, 0x5000)];
    const setup = { android, file: apk(0x4000), mappings };
    expect(at(setup, BASE + 0x1234)).toEqual([0x1234, 0x4000, '/lib!libfoo.so']);
    const holes = [mappings[0]!, map(0x1000, 0x2000, 0, 0, ''), map(0x2000, 0x3000, X, 0x5000)];
    expect(at({ ...setup, mappings: holes }, BASE + 0x2234)).toEqual([0x1234, 0x4000, '/lib!libfoo.so']);
  });

  it('are not found behind a hole larger than they are by Android', () => {
    const mappings = [map(0, 0x1000, R, 0x4000), map(0x1000, 0x9000, 0, 0, ''), map(0x9000, 0xa000, X, 0x5000)];
    const found = at({ android, file: apk(0x4000), mappings }, BASE + 0x9234);
    expect(found).toEqual(android ? 'no ELF magic' : [0x1234, 0x4000, '/lib!libfoo.so']);
  });

  it('without a soname are called as in the apk; Android calls them nothing', () => {
    const nameless = buildElf({ machine: arch.elfMachine, segments: [{ type: 1, flags: 5, offset: 0, filesz: PAGE }] });
    const file = buildZip([{ name: 'lib/arm64-v8a/libbar.so', bytes: nameless.bytes, align: PAGE }]);
    const setup = { android, file, mappings: [map(0, 0x1000, RX, PAGE)] };
    expect(at(setup, BASE + 0x10)).toEqual([0x10, PAGE, android ? '/lib' : '/lib!libbar.so']);
  });

  it('are not taken from a mapping of another file', () => {
    const mappings = [map(0, 0x1000, R, 0x4000, '/other'), map(0x1000, 0x2000, RX, 0x5000)];
    expect(at({ android, file: apk(0x4000), mappings }, BASE + 0x1234)).toBe(android ? 'no ELF magic' : 'no ELF magic');
  });

  it('are not taken for another CPU’s, nor device memory for an image', () => {
    const file = library();
    new DataView(file.buffer).setUint16(18, 62, true);
    expect(at({ android, file, mappings: [map(0, 0x2000, RX, 0)] }, BASE)).toBe('its machine is 62, not 183');
    expect(at({ android, file, mappings: [map(0, 0x2000, RX, 0, '/dev/fb0')] }, BASE)).toBe('device memory');
  });

  it('of another CPU still tell where their code lies', () => {
    const file = library(0x4000);
    new DataView(file.buffer).setUint16(18, 62, true);
    const found = images({ android, file, mappings: [map(0x5000, 0x6000, RX, 0x1000)] });
    expect(found.find(0)).toMatchObject({ module: null, start: 0x1000, bias: 0x5000 - (BASE + 0x5000) });
  });

  it('begin at the mapping’s offset when there are none', () => {
    const found = images({ android, mappings: [map(0, 0x2000, RX, 0x12e4000)] });
    expect(found.find(0)).toMatchObject({ module: null, start: 0x12e4000, bias: -BASE });
  });
});

describe.each([true, false])('images in memory (Android’s rules: %s)', (android) => {
  const memory = new BufferMemory(BASE, library());

  it('are found at a mapping’s start', () => {
    const found = at({ android, memory, mappings: [map(0, 0x3000, RX, 0, '[vdso]')] }, BASE + 0x1234);
    expect(found).toEqual([0x1234, 0, '[vdso]']);
  });

  it('are put together from two mappings', () => {
    const mappings = [map(0, 0x1000, R, 0x4000), map(0x1000, 0x3000, RX, 0x5000)];
    expect(at({ android, memory, mappings }, BASE + 0x1234)).toEqual([0x1234, 0x4000, '/lib!libfoo.so']);
  });

  it('lack what was not mapped: the soname', () => {
    const mappings = [map(0, 0x1000, R, 0x4000), map(0x1000, 0x2000, RX, 0x5000)];
    expect(at({ android, memory, mappings }, BASE + 0x1234)).toEqual([0x1234, 0x4000, '/lib']);
  });

  it('need memory', () => {
    expect(at({ android, mappings: [map(0, 0x3000, RX, 0, '[vdso]')] }, BASE)).toBe(
      'no file, and no ELF image in memory',
    );
  });
});

describe('beyond Android’s rules', () => {
  it('an image in memory stands in for a file that is none', () => {
    const setup = {
      file: new Uint8Array(5000),
      memory: new BufferMemory(BASE, library()),
      mappings: [map(0, 0x3000, RX, 0)],
    };
    expect(at(setup, BASE + 0x1234)).toEqual([0x1234, 0, '/lib']);
    expect(at({ ...setup, android: true }, BASE + 0x1234)).toBe('no ELF magic');
  });
});

describe('sharing', () => {
  it('mappings of one file have one image, libraries of one apk have their own', () => {
    const one = images({ file: library(), mappings: [map(0, 0x1000, R, 0), map(0x1000, 0x2000, RX, 0x1000)] });
    expect(one.find(0).module).toBe(one.find(1).module);
    const inner = library();
    const both = new Uint8Array(0x10000);
    both.set(inner, 0x4000);
    both.set(inner, 0x8000);
    const two = images({ file: both, mappings: [map(0, 0x2000, RX, 0x4000), map(0x4000, 0x6000, RX, 0x8000)] });
    expect(two.find(0).module).not.toBe(two.find(1).module);
  });
});

it('a finder asks nothing of a source that is not there', () => {
  const table = new MappingTable([mapping({ start: BASE, end: BASE + PAGE, name: '/lib', offset: 2 ** 50 })]);
  const finder = new ImageFinder(table, { file: () => new BufferSource(library()) }, nothing, ANDROID_RULES.elf);
  const found: FoundElf = finder.find(0, arch.elfMachine);
  expect(found.elf).toBeNull();
});
