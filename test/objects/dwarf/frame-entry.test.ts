import { describe, expect, it } from 'vitest';
import { DwarfError } from '../../../src/objects/dwarf/dwarf-error.js';
import { type Fde, FrameEntries } from '../../../src/objects/dwarf/frame-entry.js';
import { type CieSpec, type FdeSpec, FrameBuilder, le, sleb, uleb } from './frame-builder.js';

const SECTION = 0x5000;

function fdeOf(eh: boolean, cie: CieSpec, fde: FdeSpec, wide = false): Fde | DwarfError | null {
  const builder = new FrameBuilder(eh, wide);
  const at = builder.cie(cie);
  const position = builder.fde(at, fde);
  const bases = {
    section: SECTION,
    text: 0x100,
    data: 0x200,
    wordAt: (address: number) => (address === 0x7000 ? 0x1234 : Number.NaN),
  };
  return new FrameEntries(builder.section(bases)).fde(position);
}

const range = (fde: Fde | DwarfError | null): string =>
  fde === null ? 'null' : fde instanceof DwarfError ? fde.message : `${fde.start.toString(16)}-${fde.end.toString(16)}`;

describe('CIEs', () => {
  const absolute = { address: [...le(8, 0x1000), ...le(8, 0x20)], instructions: [] };
  it.each<[string, boolean, CieSpec, FdeSpec]>([
    ['version 1', false, { version: 1 }, absolute],
    ['version 3', false, { version: 3, returnColumn: 300 }, absolute],
    ['version 4', false, { version: 4 }, absolute],
    ['version 5', false, { version: 5 }, absolute],
    ['version 4 with segments', false, { version: 4, segmentSize: 2 }, { ...absolute, segment: [7, 7] }],
    ['eh', true, { augmentation: 'eh', ehData: le(8, 0) }, absolute],
    ['z', true, { augmentation: 'z', data: [] }, { ...absolute, data: [] }],
    [
      'zR',
      true,
      { augmentation: 'zR', data: [0x03] },
      { address: [...le(4, 0x1000), ...le(4, 0x20)], data: [], instructions: [] },
    ],
    ['zPLR', true, { augmentation: 'zPLR', data: [0x9b, 1, 2, 3, 4, 0x1b, 0x00] }, { ...absolute, data: [1, 2, 3, 4] }],
    ['zP without personality', true, { augmentation: 'zPR', data: [0xff, 0x00] }, { ...absolute, data: [] }],
    ['zRB (arm64, B key)', true, { augmentation: 'zRB', data: [0x00] }, { ...absolute, data: [] }],
    ['zRG (arm64, tagged stack)', true, { augmentation: 'zRG', data: [0x00] }, { ...absolute, data: [] }],
    [
      'unknown letters behind known ones',
      true,
      { augmentation: 'zRx', data: [0x00, 9, 9, 9] },
      { ...absolute, data: [] },
    ],
  ])('%s', (_, eh, cie, fde) => {
    expect(range(fdeOf(eh, cie, fde))).toBe('1000-1020');
  });

  it('tell signal frames', () => {
    const fde = { address: [...le(8, 0x1000), ...le(8, 0x20)], data: [], instructions: [] };
    expect((fdeOf(true, { augmentation: 'zRS', data: [0] }, fde) as Fde).cie.signalFrame).toBe(true);
    expect((fdeOf(true, { augmentation: 'zR', data: [0] }, fde) as Fde).cie.signalFrame).toBe(false);
  });

  it('tell alignments and the return column', () => {
    const fde = fdeOf(false, { version: 3, codeAlign: 200, dataAlign: -130, returnColumn: 200 }, absolute) as Fde;
    expect([fde.cie.codeAlign, fde.cie.dataAlign, fde.cie.returnColumn]).toEqual([200, -130, 200]);
  });

  it('are found in 64-bit DWARF', () => {
    expect(range(fdeOf(false, { version: 4 }, absolute, true))).toBe('1000-1020');
    expect(range(fdeOf(true, {}, absolute, true))).toBe('1000-1020');
  });

  it.each<[string, CieSpec, RegExp]>([
    ['version 2', { version: 2 }, /version 2/],
    ['addresses of 3 bytes', { version: 4, addressSize: 3 }, /addresses of 3 bytes/],
    ['an unknown augmentation', { augmentation: 'armcc+' }, /augmentation "armcc\+"/],
    ['an augmentation string without end', { augmentation: 'z'.repeat(100), data: [] }, /without end/],
    ['an omitted address encoding', { augmentation: 'zR', data: [0xff] }, /without addresses/],
  ])('of %s are refused', (_, cie, message) => {
    const result = fdeOf(true, cie, absolute);
    expect(result).toBeInstanceOf(DwarfError);
    expect((result as DwarfError).message).toMatch(message);
  });

  it('whose augmentation data end beyond them are refused', () => {
    const builder = new FrameBuilder(true);
    const cie = builder.cie({ augmentation: 'zR', data: [0x00] });
    const position = builder.fde(cie, { ...absolute, data: [] });
    // Length, id, version, "zR\0", alignments and return column lie before the length of the data.
    builder.bytes[cie + 4 + 4 + 1 + 3 + 3] = 0x7f;
    expect(range(new FrameEntries(builder.section()).fde(position))).toMatch(/augmentation of 127 bytes/);
  });
});

describe('FDE addresses', () => {
  const PCREL = 0x10;
  const TEXTREL = 0x20;
  const DATAREL = 0x30;
  const FUNCREL = 0x40;
  const INDIRECT = 0x80;
  /** Position of the address: CIE entry (4 + 4 + 1 + 3 + 1 + 1 + 1 + 1 + 1 = 17), then length and id. */
  const AT = 17 + 8;
  const here = SECTION + AT;

  it.each<[string, number, number[], number[]]>([
    ['absptr', 0x00, le(8, 0x1000), le(8, 0x20)],
    ['uleb128', 0x01, uleb(0x1000), uleb(0x20)],
    ['udata2', 0x02, le(2, 0x1000), le(2, 0x20)],
    ['udata4', 0x03, le(4, 0x1000), le(4, 0x20)],
    ['udata8', 0x04, le(8, 0x1000), le(8, 0x20)],
    ['sleb128', 0x09, sleb(0x1000), sleb(0x20)],
    ['sdata2', 0x0a, le(2, 0x1000), le(2, 0x20)],
    ['sdata4', 0x0b, le(4, 0x1000), le(4, 0x20)],
    ['sdata8', 0x0c, le(8, 0x1000), le(8, 0x20)],
    ['pcrel sdata4', PCREL | 0x0b, le(4, 0x1000 - here), le(4, 0x20)],
    ['pcrel sdata8', PCREL | 0x0c, le(8, 0x1000 - here), le(8, 0x20)],
    ['pcrel absptr', PCREL, le(8, 0x1000 - here), le(8, 0x20)],
    ['pcrel sleb128', PCREL | 0x09, sleb(0x1000 - here), sleb(0x20)],
    ['textrel udata4', TEXTREL | 0x03, le(4, 0xf00), le(4, 0x20)],
    ['datarel sdata4', DATAREL | 0x0b, le(4, 0xe00), le(4, 0x20)],
    ['funcrel udata4', FUNCREL | 0x03, le(4, 0x1000), le(4, 0x20)],
  ])('%s', (_, encoding, start, size) => {
    const fde = { address: [...start, ...size], data: [], instructions: [] };
    expect(range(fdeOf(true, { augmentation: 'zR', data: [encoding] }, fde))).toBe('1000-1020');
  });

  it('indirect: the word at the address', () => {
    const indirect = (address: number): string =>
      range(
        fdeOf(
          true,
          { augmentation: 'zR', data: [INDIRECT | 0x03] },
          { address: [...le(4, address), ...le(4, 0x10)], data: [], instructions: [] },
        ),
      );
    expect(indirect(0x7000)).toBe('1234-1244');
    expect(indirect(0x7001)).toMatch(/does not fit/);
  });

  it.each([0x05, 0x0f, 0x60, 0x70])('encoding 0x%s does not exist', (encoding) => {
    const fde = { address: [...le(8, 0), ...le(8, 0)], data: [], instructions: [] };
    expect(fdeOf(true, { augmentation: 'zR', data: [encoding] }, fde)).toBeInstanceOf(DwarfError);
  });

  it('beyond what a Number holds are refused', () => {
    const fde = { address: [...le(8, 2 ** 60), ...le(8, 1)], instructions: [] };
    expect(fdeOf(false, { version: 4 }, fde)).toBeInstanceOf(DwarfError);
    const negative = { address: [...le(8, 0x1000), ...le(8, -1)], instructions: [] };
    expect(fdeOf(false, { version: 4 }, negative)).toBeInstanceOf(DwarfError);
  });
});

describe('broken sections', () => {
  it('survive a cut at every byte', () => {
    const builder = new FrameBuilder(true);
    const cie = builder.cie({ augmentation: 'zPLR', data: [0x1b, 1, 2, 3, 4, 0x1b, 0x1b] });
    const position = builder.fde(cie, {
      address: [...le(4, 0), ...le(4, 8)],
      data: [0, 0, 0, 0],
      instructions: [0x41],
    });
    const whole = builder.section({ section: SECTION });
    for (let length = 0; length < whole.bytes.length; length++) {
      const entries = new FrameEntries({ ...whole, bytes: whole.bytes.subarray(0, length) });
      expect(entries.fde(position) instanceof DwarfError || entries.fde(position) === null).toBe(true);
    }
    expect(new FrameEntries(whole).fde(position)).not.toBeInstanceOf(DwarfError);
  });

  it('do not take an FDE for a CIE', () => {
    const builder = new FrameBuilder(false);
    const cie = builder.cie();
    const first = builder.fde(cie, { address: [...le(8, 0), ...le(8, 8)], instructions: [] });
    const second = builder.fde(first, { address: [...le(8, 0), ...le(8, 8)], instructions: [] });
    expect((new FrameEntries(builder.section()).fde(second) as DwarfError).message).toMatch(/no CIE/);
  });
});
