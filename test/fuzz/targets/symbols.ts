/** Any bytes as an ELF image with symbols (by sections and by the dynamic segment), and as perf's map file. */

import { BufferSource } from '../../../src/bytes/byte-source.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { prepareXz } from '../../../src/objects/elf/xz.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { PerfMap } from '../../../src/unwind/runtime/perf-map.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { BisectedSymbols } from '../../recorded/bisected-symbols.js';
import { OBJECT, symbolSections } from '../../symbols/symbol-builder.js';

export const prepare = prepareXz;

export const seeds = (): Uint8Array[] => [
  ...([32, 64] as const).map((bits) => {
    const symbols = [
      { name: 'main', value: 0x100, size: 0x40 },
      { name: 'variable', value: 0x200, size: 8, type: OBJECT },
    ];
    return buildElf({ bits, sections: symbolSections(bits, symbols, 1) }).bytes;
  }),
  Buffer.from('1000 20 one\n2000 30 two\n'),
];

export function target(bytes: Uint8Array): string {
  let word = '';
  const elf = ElfFile.parse(new BufferSource(bytes));
  const tables = elf instanceof ElfFile ? [new ElfSymbols(elf), new ElfSymbols(elf, { Table: BisectedSymbols })] : [];
  const sources = [new PerfMap(bytes), ...tables];
  for (const source of sources) {
    for (const address of [0, 0x100, 0x110, 0x1000, 0x2010, 2 ** 32, 2 ** 53]) {
      const found = source.functionAt(address);
      word += found === null ? '-' : found.name.length % 10;
      if (found !== null && !(found.offset >= 0 && found.offset <= address)) throw new Error(`offset ${found.offset}`);
    }
  }
  if (elf instanceof ElfFile && new ElfSymbols(elf).variable('variable') !== null) word += 'v';
  return word;
}
