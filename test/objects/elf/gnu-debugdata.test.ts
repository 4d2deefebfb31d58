import { beforeAll, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { ElfError } from '../../../src/objects/elf/elf-error.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { gnuDebugData } from '../../../src/objects/elf/gnu-debugdata.js';
import { prepareXz } from '../../../src/objects/elf/xz.js';
import { buildElf } from './elf-builder.js';
import { buildXz } from './xz-builder.js';

function parse(bytes: Uint8Array): ElfFile {
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (elf instanceof ElfError) throw new Error(elf.message);
  return elf;
}

const withDebugData = (bytes: Uint8Array): ElfFile =>
  parse(buildElf({ sections: [{ name: '.gnu_debugdata', bytes }] }).bytes);

beforeAll(() => prepareXz());

it('is the image inside, opened once', () => {
  const inner = buildElf({ sections: [{ name: '.debug_frame', bytes: Uint8Array.of(1, 2, 3) }] }).bytes;
  const outer = withDebugData(buildXz([inner.subarray(0, 100), inner.subarray(100)]));
  const found = gnuDebugData(outer);
  expect(found).toBeInstanceOf(ElfFile);
  expect((found as ElfFile).section('.debug_frame')).not.toBeNull();
  expect(gnuDebugData(outer)).toBe(found);
});

it('has no debug data of its own', () => {
  const innermost = buildElf({}).bytes;
  const inner = buildElf({ sections: [{ name: '.gnu_debugdata', bytes: buildXz([innermost]) }] }).bytes;
  expect(gnuDebugData(gnuDebugData(withDebugData(buildXz([inner]))) as ElfFile)).toBeNull();
});

it('is null without the section, an error when it is broken', () => {
  expect(gnuDebugData(parse(buildElf({}).bytes))).toBeNull();
  expect(gnuDebugData(withDebugData(Buffer.from('no xz')))).toBeInstanceOf(ElfError);
  expect(gnuDebugData(withDebugData(buildXz([Buffer.from('no elf')])))).toBeInstanceOf(ElfError);
});
