import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { debugImage, isDebugFile } from '../../../src/objects/elf/debug-image.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { symbolSections } from '../../symbols/symbol-builder.js';
import { buildElf, buildIdNote } from './elf-builder.js';

const NOBITS = 8;
const EXEC = 6;

function parse(bytes: Uint8Array): ElfFile {
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (!(elf instanceof ElfFile)) throw elf;
  return elf;
}

describe.each([64, 32] as const)('a debug file of %i bits', (bits) => {
  const sections = (text: number) => [
    { name: '.note.gnu.build-id', type: 7, flags: 2, addr: 0x200, bytes: buildIdNote(Buffer.alloc(20, 0xab)) },
    { name: '.text', type: text, flags: EXEC, addr: 0x2000, bytes: new Uint8Array(0x100) },
    ...symbolSections(bits, [{ name: 'code', value: 0x2010, size: 0x20, section: 2 }], 3),
  ];
  // Of the image, code lies at 0x1000 of the file and at 0x2000 in memory; objcopy keeps the addresses only.
  const { bytes } = buildElf({
    bits,
    machine: bits === 64 ? 62 : 3,
    sections: sections(NOBITS),
    segments: [
      { type: 1, flags: 4, offset: 0, vaddr: 0, filesz: 0x300 },
      { type: 1, flags: 5, offset: 0, vaddr: 0x2000, filesz: 0, memsz: 0x100 },
    ],
  });

  it('is told from a binary', () => {
    expect(isDebugFile(parse(bytes))).toBe(true);
    expect(isDebugFile(parse(buildElf({ bits, sections: sections(1) }).bytes))).toBe(false);
    expect(isDebugFile(parse(buildElf({ bits }).bytes))).toBe(false);
  });

  it('stands in for the image: its segments, symbols and build id are where they were', () => {
    const elf = parse(bytes);
    expect(elf.loadBias).toBe(0x2000);
    const source = debugImage(elf, (vaddr) => (vaddr >= 0x2000 ? vaddr - 0x1000 : vaddr));
    const image = ElfFile.parse(source) as ElfFile;
    expect(image.loadBias).toBe(0x1000);
    expect(image.segments.map(({ offset, filesz }) => [offset, filesz])).toEqual([
      [0, 0x300],
      [0x1000, 0x100],
    ]);
    expect(image.buildId).toBe('ab'.repeat(20));
    expect(new ElfSymbols(image).functionAt(0x2018)).toEqual({ name: 'code', offset: 8 });
    // Of the code itself it has nothing.
    expect(image.source.bytes(image.offsetOf(0x2010), 16)).toHaveLength(0);
    expect(source.size).toBeGreaterThan(0x1100);
  });
});
