import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../../src/bytes/byte-source.js';
import { BROKEN_RULE, type CfiTable, NO_RULE } from '../../../src/objects/dwarf/cfi-table.js';
import { debugFrame, ehFrame } from '../../../src/objects/dwarf/frame-sections.js';
import { RegisterMap } from '../../../src/objects/dwarf/register-map.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { buildElf, type SectionSpec } from '../elf/elf-builder.js';
import { FrameBuilder, le } from './frame-builder.js';

const arch = byName('x86_64');
const registers = new RegisterMap(arch);
const PT_LOAD = 1;
const PT_GNU_EH_FRAME = 0x6474e550;
const FRAME = 0x4000;
const HEADER = 0x3000;

/** Three functions at 0x1000, 0x1100, 0x1300, whose CFA offsets are 16, 32, 48. */
const FUNCTIONS = [
  { start: 0x1000, size: 0x100, offset: 16 },
  { start: 0x1100, size: 0x80, offset: 32 },
  { start: 0x1300, size: 0x10, offset: 48 },
];

/** .eh_frame of the functions; positions of their FDEs. */
function frames(base = FRAME): { bytes: Uint8Array; positions: number[] } {
  const builder = new FrameBuilder(true);
  const cie = builder.cie({ augmentation: 'zR', data: [0x1b], instructions: [0x0c, 7, 8, 0x90, 1] });
  const positions = FUNCTIONS.map(({ start, size, offset }) =>
    builder.fde(cie, {
      address: [...le(4, start - (base + builder.bytes.length + 8)), ...le(4, size)],
      data: [],
      instructions: [0x0e, offset],
    }),
  );
  builder.terminator();
  return { bytes: Uint8Array.from(builder.bytes), positions };
}

/** .eh_frame_hdr with this search table, relative to its own address. */
function header(
  table: readonly (readonly [start: number, fde: number])[],
  { count = table.length, encoding = 0x3b } = {},
): Uint8Array {
  const entries = table.flatMap(([start, fde]) => [...le(4, start - HEADER), ...le(4, fde - HEADER)]);
  return Uint8Array.from([1, 0x1b, 0x03, encoding, ...le(4, FRAME - (HEADER + 4)), ...le(4, count), ...entries]);
}

const goodTable = (): (readonly [number, number])[] => {
  const { positions } = frames();
  return FUNCTIONS.map(({ start }, i) => [start, FRAME + positions[i]!] as const);
};

function image(parts: { frame?: Uint8Array | null; header?: Uint8Array | null; noSectionHeaders?: boolean }): ElfFile {
  const sections: SectionSpec[] = [];
  const frame = parts.frame === undefined ? frames().bytes : parts.frame;
  if (frame !== null) sections.push({ name: '.eh_frame', addr: FRAME, bytes: frame });
  const head = parts.header === undefined ? header(goodTable()) : parts.header;
  if (head !== null) sections.push({ name: '.eh_frame_hdr', addr: HEADER, bytes: head });
  const built = buildElf({
    sections,
    noSectionHeaders: parts.noSectionHeaders ?? false,
    segments: [
      ...(frame === null ? [] : [{ type: PT_LOAD, flags: 4, section: '.eh_frame' }]),
      ...(head === null ? [] : [{ type: PT_GNU_EH_FRAME, section: '.eh_frame_hdr' }]),
    ],
  });
  return parse(new BufferSource(built.bytes));
}

function parse(source: ByteSource): ElfFile {
  const elf = ElfFile.parse(source);
  if (!(elf instanceof ElfFile)) throw new Error(elf.message);
  return elf;
}

/** CFA offset of the rule for an address, or why there is none. */
function offsetAt(table: CfiTable | null, address: number): number | string {
  const rule = table!.find(address);
  return rule === NO_RULE ? 'none' : rule === BROKEN_RULE ? 'broken' : table!.pool.words[rule + 2]!;
}

const ADDRESSES = [0xfff, 0x1000, 0x10ff, 0x1100, 0x117f, 0x1180, 0x12ff, 0x1300, 0x130f, 0x1310];
const OFFSETS = ['none', 16, 16, 32, 32, 'none', 'none', 48, 48, 'none'];

describe('.eh_frame', () => {
  it.each<[string, Parameters<typeof image>[0]]>([
    ['with its header', {}],
    ['without a header', { header: null }],
    ['with a header and no section headers', { noSectionHeaders: true }],
    ['with a header of no entries', { header: header([]) }],
    ['with a header that says zero', { header: header(goodTable(), { count: 0 }) }],
    ['with a header that says more than it has', { header: header(goodTable(), { count: 0xffffff }) }],
    ['with a header that is not sorted', { header: header([...goodTable()].reverse()) }],
    ['with a header without a table', { header: header([], { encoding: 0xff }) }],
    ['with a header of another version', { header: Uint8Array.from([9, 0, 0, 0]) }],
    ['with a header that is cut off', { header: header(goodTable()).subarray(0, 6) }],
    ['with a header that leaves functions out', { header: header(goodTable().slice(0, 1)) }],
    [
      'with a header whose FDEs are elsewhere',
      { header: header(goodTable().map(([start, fde]) => [start, fde + 4] as const)) },
    ],
    [
      'with a header whose FDEs are outside',
      { header: header(goodTable().map(([start]) => [start, 0x7ffff000] as const)) },
    ],
    [
      'with a header that mixes functions up',
      { header: header(FUNCTIONS.map(({ start }) => [start, goodTable()[0]![1]] as const)) },
    ],
    [
      'with a header whose starts lie',
      { header: header(goodTable().map(([start, fde]) => [start - 0x20, fde] as const)) },
    ],
  ])('%s', (_, parts) => {
    const table = ehFrame(image(parts), registers);
    expect(ADDRESSES.map((address) => offsetAt(table, address))).toEqual(OFFSETS);
  });

  it('is not there without section and header', () => {
    expect(ehFrame(image({ frame: null, header: null }), registers)).toBeNull();
    expect(ehFrame(image({ frame: null }), registers)).toBeNull();
  });

  it('is not looked for by something else that lies where the header should be', () => {
    const other = header(goodTable());
    other[0] = 0x7f;
    expect(ehFrame(image({ header: other, noSectionHeaders: true }), registers)).toBeNull();
  });

  it('has no more functions than a trusted header lists, except behind one without addresses', () => {
    const some = image({ header: header(goodTable().slice(0, 2)) });
    const of = (elf: ElfFile, trusted: boolean) =>
      [0x1080, 0x1305].map((pc) => offsetAt(ehFrame(elf, registers, trusted), pc));
    expect(of(some, false)).toEqual([16, 48]);
    expect(of(some, true)).toEqual([16, 'none']);
    const { bytes, positions } = frames();
    const empty = bytes.slice();
    new DataView(empty.buffer).setUint32(positions[1]! + 12, 0, true);
    const lost = image({ frame: empty, header: header(goodTable().slice(0, 2)) });
    expect(offsetAt(ehFrame(lost, registers, true), 0x1305)).toBe(48);
  });

  it('goes on behind entries that are broken and terminators in the middle', () => {
    const builder = new FrameBuilder(true);
    const cie = builder.cie({ instructions: [0x0c, 7, 8, 0x90, 1] });
    const bad = builder.cie({ version: 9 });
    builder.fde(bad, { address: [...le(8, 0x1000), ...le(8, 0x10)], instructions: [] });
    builder.terminator();
    builder.fde(cie, { address: [...le(8, 0x2000), ...le(8, 0x10)], instructions: [0x0e, 24] });
    const table = ehFrame(image({ frame: Uint8Array.from(builder.bytes), header: null }), registers);
    expect([offsetAt(table, 0x1000), offsetAt(table, 0x2008)]).toEqual(['none', 24]);
  });

  it('takes the first of FDEs that overlap', () => {
    const builder = new FrameBuilder(true);
    const cie = builder.cie({ instructions: [0x0c, 7, 8, 0x90, 1] });
    builder.fde(cie, { address: [...le(8, 0x1080), ...le(8, 0x10)], instructions: [0x0e, 24] });
    builder.fde(cie, { address: [...le(8, 0x1000), ...le(8, 0x100)], instructions: [0x0e, 32] });
    builder.fde(cie, { address: [...le(8, 0x1040), ...le(8, 0x100)], instructions: [0x0e, 40] });
    const table = ehFrame(image({ frame: Uint8Array.from(builder.bytes), header: null }), registers);
    const asked = [0x1000, 0x1050, 0x1085, 0x10a0, 0x1120, 0x1140];
    expect(asked.map((address) => offsetAt(table, address))).toEqual([32, 32, 24, 32, 40, 'none']);
  });

  it('is read around pages that are missing from an image in memory', () => {
    const builder = new FrameBuilder(true);
    const instructions = [0x0c, 7, 8, 0x90, 1];
    const first = builder.cie({ instructions });
    const one = builder.fde(first, { address: [...le(8, 0x1000), ...le(8, 0x10)], instructions: [0x0e, 24] });
    builder.cie({ instructions: new Array<number>(0x3000).fill(0) });
    const last = builder.cie({ instructions });
    const two = builder.fde(last, { address: [...le(8, 0x2000), ...le(8, 0x10)], instructions: [0x0e, 32] });
    const head = header([
      [0x1000, FRAME + one],
      [0x2000, FRAME + two],
    ]);
    const whole = image({ frame: Uint8Array.from(builder.bytes), header: head, noSectionHeaders: true }).source;
    const holes: ByteSource = {
      size: whole.size,
      bytes: (offset, length) => {
        if (offset >= 0x1000 && offset < 0x2000) return new Uint8Array(0);
        return whole.bytes(offset, offset < 0x1000 ? Math.min(length, 0x1000 - offset) : length);
      },
    };
    const table = ehFrame(parse(holes), registers);
    expect([offsetAt(table, 0x1000), offsetAt(table, 0x2000)]).toEqual([24, 32]);
  });
});

describe('.debug_frame', () => {
  it('is compiled from its section', () => {
    const builder = new FrameBuilder(false);
    const cie = builder.cie({ version: 4, instructions: [0x0c, 7, 8, 0x90, 1] });
    builder.fde(cie, { address: [...le(8, 0x1000), ...le(8, 0x10)], instructions: [0x0e, 24] });
    const { bytes } = buildElf({ sections: [{ name: '.debug_frame', bytes: Uint8Array.from(builder.bytes) }] });
    const table = debugFrame(parse(new BufferSource(bytes)), registers);
    expect([offsetAt(table, 0x1008), offsetAt(table, 0x1010)]).toEqual([24, 'none']);
  });

  it('is not there when empty', () => {
    const { bytes } = buildElf({ sections: [{ name: '.debug_frame', bytes: new Uint8Array(0) }] });
    expect(debugFrame(parse(new BufferSource(bytes)), registers)).toBeNull();
  });
});
