import { describe, expect, it } from 'vitest';
import { dynamicSymbolTable } from '../../../src/symbols/tables/dynamic-symbols.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { buildElf, words } from '../../objects/elf/elf-builder.js';
import { symbolTable, tryElf } from '../symbol-builder.js';

const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, SYMENT: 11, GNU_HASH: 0x6ffffef5 };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;

interface Options {
  readonly hash: 'sysv' | 'gnu' | 'none';
  /** What a dynamic loader added to the section's pointers. */
  readonly relocated?: number;
}

/** An image without section headers: everything lies in one segment, addresses are file offsets. */
function image(bits: 32 | 64, { hash, relocated = 0 }: Options): Uint8Array {
  const word = bits === 64 ? 8 : 4;
  const table = symbolTable(bits, [
    { name: 'imported', value: 0, section: 0 },
    { name: 'one', value: 0x100, size: 0x10 },
    { name: 'two', value: 0x110, size: 0x10 },
    { name: 'three', value: 0x120, size: 0x10 },
  ]);
  // Two buckets, symbols 2, 3 | 4; chains end where bit 0 is set.
  const gnu = Buffer.concat([words(4, 2, 2, 1, 0), words(word, 0), words(4, 2, 4), words(4, 0x10, 0x21, 0x31)]);
  const sysv = words(4, 1, 5, 0, 0, 0, 0, 0, 0);
  const make = (places: Record<string, number>): Uint8Array => {
    const at = (name: string): number => (places[name] ?? 0) + relocated;
    const tags = [DT.STRTAB, at('.dynstr'), DT.SYMTAB, at('.dynsym'), DT.STRSZ, table.strings.length, DT.SYMENT];
    tags.push(bits === 64 ? 24 : 16);
    if (hash === 'sysv') tags.push(DT.HASH, at('.hash'));
    if (hash === 'gnu') tags.push(DT.GNU_HASH, at('.gnu.hash'));
    return words(word, ...tags, 0, 0);
  };
  const build = (places: Record<string, number>) =>
    buildElf({
      bits,
      noSectionHeaders: true,
      sections: [
        { name: '.dynstr', bytes: table.strings },
        { name: '.dynsym', bytes: table.symbols },
        { name: '.hash', bytes: sysv },
        { name: '.gnu.hash', bytes: gnu },
        { name: '.dynamic', addr: places['.dynamic'] ?? 0, bytes: make(places) },
      ],
      segments: [
        { type: PT_LOAD, flags: 5, offset: 0, filesz: 0x1000 },
        { type: PT_DYNAMIC, section: '.dynamic' },
      ],
    });
  return build(build({}).offsets).bytes;
}

const name = (bytes: Uint8Array, address: number, relocation = 0): string | undefined =>
  new ElfSymbols(tryElf(bytes)!, { relocation }).functionAt(address)?.name;

describe.each([32, 64] as const)('%d bits, without section headers', (bits) => {
  it.each(['sysv', 'gnu'] as const)('counts the symbols by the %s hash table', (hash) => {
    const bytes = image(bits, { hash });
    expect([0x100, 0x11f, 0x12f, 0x130].map((at) => name(bytes, at))).toEqual(['one', 'two', 'three', undefined]);
  });

  it('has no symbols without either', () => {
    expect(dynamicSymbolTable(tryElf(image(bits, { hash: 'none' }))!)).toBeNull();
  });

  it('undoes what a dynamic loader did to the pointers', () => {
    const bytes = image(bits, { hash: 'gnu', relocated: 0x40000000 });
    expect(name(bytes, 0x104)).toBeUndefined();
    expect(name(bytes, 0x104, 0x40000000)).toBe('one');
  });

  it('is not asked in the mode that does as Android does', () => {
    const symbols = new ElfSymbols(tryElf(image(bits, { hash: 'gnu' }))!, { dynamic: false });
    expect(symbols.functionAt(0x104)).toBeNull();
  });

  it('survives any byte changed, and any length', () => {
    const bytes = image(bits, { hash: 'gnu' });
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes);
        changed[i] = value;
        attempt(changed);
      }
      attempt(bytes.subarray(0, i));
    }
  });
});

function attempt(bytes: Uint8Array): void {
  if (tryElf(bytes) !== null) name(bytes, 0x104);
}
