/** Any bytes as .xz, and as the .gnu_debugdata of an ELF image. */

import { BufferSource } from '../../../src/bytes/byte-source.js';
import { ElfError } from '../../../src/objects/elf/elf-error.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { gnuDebugData } from '../../../src/objects/elf/gnu-debugdata.js';
import { decompressXz, prepareXz } from '../../../src/objects/elf/xz.js';
import { buildXz, fox } from '../../objects/elf/xz-builder.js';

export const prepare = prepareXz;

/** What mutation begins with: a decoder that sees nothing but wrong magics is not tested. */
export const seeds = (): Uint8Array[] => [
  buildXz([]),
  fox,
  buildXz([Buffer.from('text')]),
  buildXz([Buffer.alloc(70_000, 'abc'), Buffer.from('more')]),
];

export function target(bytes: Uint8Array): string {
  const result = decompressXz(bytes);
  if (result instanceof ElfError) {
    if (/trapped|not prepared|RuntimeError/.test(result.message)) throw new Error(result.message);
  } else if (result.length > Math.max(1 << 20, 200 * bytes.length)) {
    throw new Error(`${result.length} bytes from ${bytes.length}`);
  }
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (elf instanceof ElfFile) gnuDebugData(elf);
  return result instanceof ElfError ? result.message.replace(/\d+/g, 'n') : 'whole';
}
