import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { ElfError } from '../../../src/objects/elf/elf-error.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { type BuiltElf, buildElf, buildIdNote, type ElfSpec, stringTable, words } from './elf-builder.js';

const SHT_NOTE = 7;
const SHT_STRTAB = 3;
const SHF_COMPRESSED = 0x800;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_NOTE = 4;

function parse(built: BuiltElf | Uint8Array): ElfFile {
  const elf = ElfFile.parse(new BufferSource(built instanceof Uint8Array ? built : built.bytes));
  if (elf instanceof ElfError) throw new Error(elf.message);
  return elf;
}

const chdr = (bits: 32 | 64, type: number, size: number): Uint8Array =>
  bits === 64 ? Buffer.concat([words(4, type, 0), words(8, size, 1)]) : words(4, type, size, 1);

/** zstd frame of one raw block (RFC 8878 §3.1.1), single segment, no checksum. */
function rawZstd(content: Uint8Array): Uint8Array {
  const block = (content.length << 3) | 1;
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, content.length, block & 255, (block >> 8) & 255, block >> 16]),
    content,
  ]);
}

/** An image with a soname in .dynstr, reachable by section header and by segment. */
function withSoname(spec: Partial<ElfSpec> = {}): BuiltElf {
  const names = stringTable(['libfoo.so']);
  const dynamic = words(8, 5, 0x1000, 10, names.bytes.length, 14, names.offsets['libfoo.so']!, 0, 0);
  return buildElf({
    sections: [
      { name: '.dynstr', type: SHT_STRTAB, addr: 0x1000, bytes: names.bytes },
      { name: '.dynamic', type: 6, addr: 0x2000, bytes: dynamic },
    ],
    segments: [
      { type: PT_DYNAMIC, section: '.dynamic' },
      { type: PT_LOAD, section: '.dynstr' },
    ],
    ...spec,
  });
}

describe.each([32, 64] as const)('an ELF%i image', (bits) => {
  const content = new Uint8Array([1, 2, 3, 4]);

  it('gives its sections by name', () => {
    const elf = parse(buildElf({ bits, machine: 40, sections: [{ name: '.text', addr: 0x1000, bytes: content }] }));
    expect(elf.bits).toBe(bits);
    expect(elf.machine).toBe(40);
    const text = elf.section('.text')!;
    expect(text.addr).toBe(0x1000);
    expect(elf.contents(text)).toEqual(content);
    expect(elf.section('.data')).toBeNull();
  });

  it('takes the load bias from the first executable segment', () => {
    const elf = parse(
      buildElf({
        bits,
        segments: [
          { type: PT_LOAD, flags: 4, offset: 0, vaddr: 0, filesz: 64 },
          { type: PT_LOAD, flags: 5, offset: 0x1000, vaddr: 0x3000, filesz: 16 },
          { type: PT_LOAD, flags: 5, offset: 0x2000, vaddr: 0x9000, filesz: 16 },
        ],
      }),
    );
    expect(elf.loadBias).toBe(0x2000);
    expect(elf.offsetOf(0x3008)).toBe(0x1008);
    expect(elf.offsetOf(0x3010)).toBe(-1);
  });

  it('decompresses zlib and zstd sections', () => {
    const long = new Uint8Array(200).map((_, i) => i);
    const streams = [
      { type: 1, bytes: deflateSync(long) },
      { type: 2, bytes: rawZstd(long) },
    ];
    for (const { type, bytes } of streams) {
      const compressed = Buffer.concat([chdr(bits, type, long.length), bytes]);
      const elf = parse(
        buildElf({ bits, sections: [{ name: '.debug_frame', flags: SHF_COMPRESSED, bytes: compressed }] }),
      );
      expect(elf.contents(elf.section('.debug_frame')!)).toSatisfy((bytes: Uint8Array) =>
        Buffer.from(long).equals(bytes),
      );
    }
  });

  it('gives nothing for a compressed section that lies or is broken', () => {
    const stream = deflateSync(new Uint8Array(1000));
    const cases: Uint8Array[] = [
      new Uint8Array(3),
      Buffer.concat([chdr(bits, 1, 10), stream]), // declares less than it holds
      Buffer.concat([chdr(bits, 1, 0x7fffffff), stream]), // declares 2 GiB
      Buffer.concat([chdr(bits, 9, 1000), stream]), // no such format
      Buffer.concat([chdr(bits, 1, 1000), stream.subarray(0, 5)]),
      Buffer.concat([chdr(bits, 2, 1000), new Uint8Array(40)]),
    ];
    for (const bytes of cases) {
      const elf = parse(buildElf({ bits, sections: [{ name: '.x', flags: SHF_COMPRESSED, bytes }] }));
      expect(elf.contents(elf.section('.x')!).length).toBe(0);
    }
  });

  it('survives a cut at every byte', () => {
    const built = buildElf({
      bits,
      sections: [{ name: '.note.gnu.build-id', type: SHT_NOTE, bytes: buildIdNote(new Uint8Array([0xab, 0xcd])) }],
      segments: [{ type: PT_NOTE, section: '.note.gnu.build-id' }],
    });
    expect(parse(built).buildId).toBe('abcd');
    for (let length = 0; length < built.bytes.length; length++) {
      const elf = ElfFile.parse(new BufferSource(built.bytes.subarray(0, length)));
      if (elf instanceof ElfFile) {
        expect([null, 'abcd']).toContain(elf.buildId);
        for (const section of elf.sections) elf.contents(section);
        expect(elf.soname).toBeNull();
      }
    }
  });
});

describe('build ids', () => {
  it('come from the segments when there are no section headers', () => {
    const built = buildElf({
      noSectionHeaders: true,
      sections: [{ name: '.note.gnu.build-id', bytes: buildIdNote(new Uint8Array([1, 2, 3])) }],
      segments: [{ type: PT_NOTE, section: '.note.gnu.build-id' }],
    });
    expect(parse(built).buildId).toBe('010203');
  });

  it('are found behind other notes, and not taken from broken ones', () => {
    const other = words(4, 4, 5, 1, 0x00554e47, 1, 2);
    const good = buildElf({
      sections: [{ name: '.note', type: SHT_NOTE, bytes: Buffer.concat([other, buildIdNote(new Uint8Array([9]))]) }],
    });
    expect(parse(good).buildId).toBe('09');
    const broken = buildElf({
      sections: [{ name: '.note', type: SHT_NOTE, bytes: words(4, 4, 0xffffffff, 3, 0x00554e47) }],
    });
    expect(parse(broken).buildId).toBeNull();
  });
});

describe('sonames', () => {
  it('are found through section headers and through segments', () => {
    expect(parse(withSoname()).soname).toBe('libfoo.so');
    expect(parse(withSoname()).sectionSoname).toBe('libfoo.so');
    const bare = parse(withSoname({ noSectionHeaders: true }));
    expect(bare.soname).toBe('libfoo.so');
    expect(bare.sectionSoname).toBeNull();
  });

  it('are not made of a string that has no end', () => {
    const { bytes, offsets } = withSoname({ noSectionHeaders: true });
    const dynstr = offsets['.dynstr']!;
    bytes[dynstr + 'libfoo.so'.length + 1] = 0x41;
    expect(parse(bytes).soname).toBeNull();
  });
});

describe('what is no ELF image', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'no ELF magic'],
    ['other bytes', new Uint8Array(64), 'no ELF magic'],
    ['big-endian', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 2, ...new Uint8Array(58)]), 'not little-endian'],
    [
      'class 3',
      new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 3, 1, ...new Uint8Array(58)]),
      'class 3 is neither 32 nor 64 bits',
    ],
    ['a short header', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]), 'ELF header needs 64 bytes, 7 are there'],
  ])('%s', (_, bytes, message) => {
    const result = ElfFile.parse(new BufferSource(bytes));
    expect(result).toBeInstanceOf(ElfError);
    expect((result as ElfError).message).toBe(message);
  });

  it('program headers that do not fit', () => {
    const { bytes } = buildElf({ segments: [{ type: PT_LOAD, offset: 0, filesz: 1 }] });
    new DataView(bytes.buffer).setUint16(56, 0xfff, true);
    const result = ElfFile.parse(new BufferSource(bytes));
    expect((result as ElfError).message).toMatch(/4095 program headers need 229320 bytes/);
  });
});
