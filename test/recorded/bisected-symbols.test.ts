import { describe, expect, it } from 'vitest';
import { ElfSymbols } from '../../src/symbols/tables/elf-symbols.js';
import { buildElf } from '../objects/elf/elf-builder.js';
import { IFUNC, OBJECT, parseElf, type SymbolSpec, symbolSections, tryElf } from '../symbols/symbol-builder.js';
import { BisectedSymbols } from './bisected-symbols.js';

function symbolsOf(bits: 32 | 64, symbols: readonly SymbolSpec[]): ElfSymbols {
  return new ElfSymbols(parseElf({ bits, sections: symbolSections(bits, symbols, 1) }), { Table: BisectedSymbols });
}

/** `name+offset`, or null. */
function at(symbols: ElfSymbols, address: number): string | null {
  const found = symbols.functionAt(address);
  return found === null ? null : `${found.name}+${found.offset}`;
}

describe.each([32, 64] as const)('%d bits', (bits) => {
  it('finds the function around an address, whatever the order in the table', () => {
    const functions = [
      { name: 'third', value: 0x3000, size: 0x10 },
      { name: 'first', value: 0x1000, size: 0x20 },
      { name: 'second', value: 0x1020, size: 0x10 },
    ];
    for (const table of [functions, functions.toSorted((a, b) => a.value - b.value)]) {
      const symbols = symbolsOf(bits, table);
      expect(
        [0xfff, 0x1000, 0x101f, 0x1020, 0x1030, 0x300f, 0x3010, 0x1001].map((address) => at(symbols, address)),
      ).toEqual([null, 'first+0', 'first+31', 'second+0', null, 'third+15', null, 'first+1']);
    }
  });

  it('takes of several names the one that the bisection of a sorted table comes to', () => {
    // With the null entry before them, the middle of 8 is entry 4: the last of three at one address.
    const symbols = symbolsOf(bits, [
      { name: 'before', value: 0x1000, size: 0x10 },
      { name: 'a', value: 0x2000, size: 0x10 },
      { name: 'b', value: 0x2000, size: 0x10 },
      { name: 'c', value: 0x2000, size: 0x10 },
      { name: 'x', value: 0x3000, size: 0x10 },
      { name: 'y', value: 0x4000, size: 0x10 },
      { name: 'z', value: 0x5000, size: 0x10 },
    ]);
    expect(at(symbols, 0x2004)).toBe('c+4');
  });

  it('takes the first of several names when the table is not sorted', () => {
    const symbols = symbolsOf(bits, [
      { name: 'later', value: 0x9000, size: 8 },
      { name: 'a', value: 0x1000, size: 8 },
      { name: 'far', value: 0x8000, size: 8 },
      { name: 'b', value: 0x1000, size: 8 },
      { name: 'farther', value: 0x7000, size: 8 },
    ]);
    expect(at(symbols, 0x1004)).toBe('a+4');
    expect(at(symbols, 0x1004)).toBe('a+4');
    expect(at(symbols, 0x7001)).toBe('farther+1');
  });

  it('has no name where the bisection ends at something that is no function', () => {
    const symbols = symbolsOf(bits, [
      { name: 'object', value: 0x1000, size: 0x10, type: OBJECT },
      { name: 'resolver', value: 0x2000, size: 0x10, type: IFUNC },
      { name: 'undefined', value: 0x3000, size: 0x10, section: 0 },
    ]);
    expect([0x1004, 0x2004, 0x3004].map((address) => at(symbols, address))).toEqual([null, null, null]);
  });

  it('knows global variables', () => {
    const symbols = symbolsOf(bits, [{ name: 'variable', value: 0x1000, size: 8, type: OBJECT }]);
    expect(symbols.variable('variable')).toEqual({ value: 0x1000, size: 8 });
    expect(symbols.variable('other')).toBeNull();
  });

  it('survives any byte changed, and any end', () => {
    const table = Array.from({ length: 8 }, (_, i) => ({ name: `f${i}`, value: 0x1000 * ((i * 5) % 8), size: 0x800 }));
    const { bytes } = buildElf({ bits, sections: symbolSections(bits, table, 1) });
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes);
      changed[i]! ^= 0xff;
      for (const part of [changed, bytes.subarray(0, i)]) {
        const elf = tryElf(part);
        if (elf === null) continue;
        const symbols = new ElfSymbols(elf, { Table: BisectedSymbols });
        for (const address of [0, 0x1004, 0x7800, 0xffff_ffff]) {
          expect(typeof (symbols.functionAt(address)?.name ?? '')).toBe('string');
        }
      }
    }
  });
});
