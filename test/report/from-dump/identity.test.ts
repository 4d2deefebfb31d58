import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { difference, moduleIdentity } from '../../../src/report/from-dump/identity.js';
import { id, tinyElf } from '../../engraver/build-elf.js';
import { buildElf } from '../../objects/elf/elf-builder.js';

const elfOf = (bytes: Uint8Array): ElfFile => ElfFile.parse(new BufferSource(bytes)) as ElfFile;
const START = 0x10000;
const memoryOf = (bytes: Uint8Array) => new BufferMemory(START, bytes);
const NO_MEMORY = memoryOf(new Uint8Array(0));
const identity = (bytes: Uint8Array, record: { buildId?: string; debugId?: string } | null = null) =>
  moduleIdentity(memoryOf(bytes), START, START + 0x1000, record && { buildId: null, debugId: null, ...record });

const hex = (byte: number): string => Buffer.from(id(byte)).toString('hex');
/** Of id(1): the first 16 bytes as a little-endian GUID. */
const DEBUG_ID = `${'01'.repeat(16)}0`;
const ours = elfOf(tinyElf(id(1)));
const withoutId = elfOf(tinyElf(null));

describe('the identity of a module', () => {
  it('is the build id in memory, else that of the record', () => {
    expect(difference(ours, identity(tinyElf(id(1))))).toBe('');
    expect(difference(elfOf(tinyElf(id(2))), identity(tinyElf(id(1))))).toBe(`has build id ${hex(2)}, not ${hex(1)}`);
    const recorded = moduleIdentity(NO_MEMORY, 0, 0, { buildId: hex(1), debugId: DEBUG_ID });
    expect(difference(ours, recorded)).toBe('');
    expect(difference(withoutId, recorded)).toBe(`has build id none, not ${hex(1)}`);
  });

  it('is a debug id where the record has no build id, as in dumps of old writers', () => {
    const recorded = moduleIdentity(NO_MEMORY, 0, 0, { buildId: null, debugId: DEBUG_ID });
    expect(difference(ours, recorded)).toBe('');
    expect(difference(elfOf(tinyElf(id(2))), recorded)).toBe(`has debug id ${'02'.repeat(16)}0, not ${DEBUG_ID}`);
  });

  it("is Breakpad's of the code, for images without build id", () => {
    const text = Buffer.alloc(40);
    text.set([0x11, 0x22, 0x33, 0x44], 0);
    text.set([0x10], 16);
    const elf = elfOf(buildElf({ sections: [{ name: '.text', flags: 6, bytes: text }] }).bytes);
    const hash = Buffer.alloc(16);
    hash.set([0x01, 0x22, 0x33, 0x44]);
    // The last block reaches into the bytes behind .text, as Breakpad's does.
    const { offset } = elf.section('.text')!;
    const behind = elf.source.bytes(offset + 40, 8);
    behind.forEach((byte, i) => {
      hash[8 + i]! ^= byte;
    });
    const record = moduleIdentity(NO_MEMORY, 0, 0, { buildId: hash.toString('hex'), debugId: null });
    expect(difference(elf, record)).toBe('');
    const guid = Buffer.from(hash);
    guid.subarray(0, 4).reverse();
    guid.subarray(4, 6).reverse();
    guid.subarray(6, 8).reverse();
    const debugId = `${guid.toString('hex').toUpperCase()}0`;
    expect(difference(elf, moduleIdentity(NO_MEMORY, 0, 0, { buildId: null, debugId }))).toBe('');
    expect(difference(withoutId, record)).toMatch(/^has build id none, not 0122/);
  });

  it('is the begin of the image in memory where there is no other', () => {
    expect(difference(withoutId, identity(tinyElf(null)))).toBe('');
    const other = tinyElf(null);
    other[0x200] = 1;
    expect(difference(elfOf(other), identity(tinyElf(null)))).toBe('does not begin as the image in memory did');
  });

  it('is nothing where the dump has none, or zeros: no file is that module', () => {
    for (const record of [null, { buildId: '00'.repeat(20), debugId: `${'0'.repeat(33)}` }]) {
      expect(difference(ours, identity(new Uint8Array(0), record))).toMatch(/^cannot be told from others/);
    }
  });
});
