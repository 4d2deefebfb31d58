import { beforeAll, describe, expect, it } from 'vitest';
import { prepareXz } from '../../../src/objects/elf/xz.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { buildXz } from '../../objects/elf/xz-builder.js';
import { IFUNC, OBJECT, parseElf, type SymbolSpec, symbolSections, tryElf } from '../symbol-builder.js';

const EM_ARM = 40;

function symbolsOf(bits: 32 | 64, symbols: readonly SymbolSpec[], machine?: number): ElfSymbols {
  const spec = { bits, sections: symbolSections(bits, symbols, 1) };
  return new ElfSymbols(parseElf(machine === undefined ? spec : { ...spec, machine }));
}

/** `name+offset`, or null. */
function at(symbols: ElfSymbols, address: number): string | null {
  const found = symbols.functionAt(address);
  return found === null ? null : `${found.name}+${found.offset}`;
}

describe.each([32, 64] as const)('%d bits', (bits) => {
  it('finds the function around an address, whatever the order in the table', () => {
    const symbols = symbolsOf(bits, [
      { name: 'third', value: 0x3000, size: 0x10 },
      { name: 'first', value: 0x1000, size: 0x20 },
      { name: 'second', value: 0x1020, size: 0x10 },
    ]);
    expect(at(symbols, 0xfff)).toBeNull();
    expect(at(symbols, 0x1000)).toBe('first+0');
    expect(at(symbols, 0x101f)).toBe('first+31');
    expect(at(symbols, 0x1020)).toBe('second+0');
    expect(at(symbols, 0x1030)).toBeNull();
    expect(at(symbols, 0x300f)).toBe('third+15');
    expect(at(symbols, 0x3010)).toBeNull();
  });

  it('knows functions and indirect functions only, with a size and a section', () => {
    const symbols = symbolsOf(bits, [
      { name: 'object', value: 0x1000, size: 0x10, type: OBJECT },
      { name: 'undefined', value: 0x2000, size: 0x10, section: 0 },
      { name: 'empty', value: 0x3000, size: 0 },
      { name: 'resolver', value: 0x4000, size: 0x10, type: IFUNC },
    ]);
    expect([0x1000, 0x2000, 0x3000].map((address) => at(symbols, address))).toEqual([null, null, null]);
    expect(at(symbols, 0x4004)).toBe('resolver+4');
  });

  it('takes the first of several names', () => {
    const symbols = symbolsOf(bits, [
      { name: 'later', value: 0x2000, size: 8 },
      { name: 'a', value: 0x1000, size: 8 },
      { name: 'b', value: 0x1000, size: 0x100 },
    ]);
    expect(at(symbols, 0x1004)).toBe('a+4');
    expect(at(symbols, 0x1010)).toBeNull();
  });

  it('asks the tables in the order of the sections', () => {
    const sections = [
      ...symbolSections(bits, [{ name: 'exported', value: 0x1000, size: 8 }], 1, 'dynsym'),
      ...symbolSections(
        bits,
        [
          { name: 'internal', value: 0x1000, size: 16 },
          { name: 'other', value: 0x2000, size: 16 },
        ],
        3,
      ),
    ];
    const symbols = new ElfSymbols(parseElf({ bits, sections }));
    expect(at(symbols, 0x1000)).toBe('exported+0');
    expect(at(symbols, 0x100c)).toBe('internal+12');
    expect(at(symbols, 0x2000)).toBe('other+0');
  });

  it('finds global variables', () => {
    const symbols = symbolsOf(bits, [
      { name: 'the_descriptor_', value: 0x1000, size: 4, type: OBJECT },
      { name: 'the_descriptor', value: 0x2000, size: 4, type: OBJECT, binding: 0 },
      { name: 'the_descriptor', value: 0x3000, size: 4 },
      { name: 'the_descriptor', value: 0x4000, size: 4, type: OBJECT, section: 0 },
      { name: 'the_descriptor', value: 0x5000, size: 24, type: OBJECT },
    ]);
    expect(symbols.variable('the_descriptor')).toEqual({ value: 0x5000, size: 24 });
    expect(symbols.variable('descriptor')).toBeNull();
  });

  it('takes the values of object files from their sections', () => {
    const sections = [
      ...symbolSections(bits, [{ name: 'jitted', value: 0x40, size: 0x10, section: 3 }], 1),
      { name: '.text', type: 8, addr: 0x70000000, bytes: new Uint8Array(0x100) },
    ];
    expect(at(new ElfSymbols(parseElf({ bits, type: 1, sections })), 0x70000044)).toBe('jitted+4');
  });

  it('ends without a word where a table is cut, or lies', () => {
    const { bytes } = buildElf({
      bits,
      sections: symbolSections(bits, [{ name: 'function', value: 0x1000, size: 8 }], 1),
    });
    const ask = (image: Uint8Array): void => {
      const elf = tryElf(image);
      if (elf === null) return;
      const symbols = new ElfSymbols(elf);
      for (const found of [symbols.functionAt(0x1000), symbols.functionAt(0)]) {
        if (found !== null) expect(typeof found.name).toBe('string');
      }
      symbols.variable('function');
    };
    for (let i = 0; i < bytes.length; i++) {
      ask(bytes.subarray(0, i));
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes);
        changed[i] = value;
        ask(changed);
      }
    }
  });
});

describe('arm', () => {
  it('finds Thumb functions, whose symbols have bit 0 set', () => {
    const symbols = symbolsOf(
      32,
      [
        { name: 'thumb', value: 0x1001, size: 0x10 },
        { name: 'arm', value: 0x2000, size: 0x10 },
      ],
      EM_ARM,
    );
    expect(at(symbols, 0x1000)).toBe('thumb+0');
    expect(at(symbols, 0x1001)).toBe('thumb+0');
    expect(at(symbols, 0x1004)).toBe('thumb+4');
    expect(at(symbols, 0x2004)).toBe('arm+4');
    expect(at(symbols, 0x2005)).toBe('arm+4');
  });
});

describe('.gnu_debugdata', () => {
  beforeAll(() => prepareXz());

  it('is asked after the image itself', () => {
    const inner = buildElf({
      sections: symbolSections(
        64,
        [
          { name: 'hidden', value: 0x1000, size: 0x20 },
          { name: 'shadowed', value: 0x2000, size: 0x20 },
        ],
        1,
      ),
    }).bytes;
    const sections = [
      ...symbolSections(64, [{ name: 'exported', value: 0x2000, size: 0x10 }], 1, 'dynsym'),
      { name: '.gnu_debugdata', bytes: buildXz([inner]) },
    ];
    const symbols = new ElfSymbols(parseElf({ sections }));
    expect(at(symbols, 0x1008)).toBe('hidden+8');
    expect(at(symbols, 0x2008)).toBe('exported+8');
    expect(at(symbols, 0x2018)).toBe('shadowed+24');
  });
});
