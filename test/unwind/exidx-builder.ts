import { buildElf, words } from '../objects/elf/elf-builder.js';

export const EM_ARM = 40;
const PT_LOAD = 1;
const PT_ARM_EXIDX = 0x70000001;
const INDEX = 0x8000;
/** Address of the table: a second word of an entry that is not inline. */
export const TABLE = 0x9000;

/** Function start and the second word of its entry (bit 31 clear: an address in the table). */
export type ExidxEntry = readonly [start: number, word: number];

/** An ELF image for ARM with an exception index, and `table` as its .ARM.extab. */
export function buildExidxImage(entries: readonly ExidxEntry[], table: readonly number[] = []): Uint8Array {
  const prel31 = (at: number, to: number): number => (to - at) & 0x7fff_ffff;
  const index = entries.flatMap(([start, word], i) => {
    const at = INDEX + 8 * i;
    return [prel31(at, start), word === 1 || word >= 0x8000_0000 ? word : prel31(at + 4, word)];
  });
  return buildElf({
    bits: 32,
    machine: EM_ARM,
    sections: [
      { name: '.ARM.exidx', type: 0x70000001, addr: INDEX, bytes: words(4, ...index) },
      { name: '.ARM.extab', addr: TABLE, bytes: words(4, ...table, 0) },
    ],
    segments: [
      { type: PT_LOAD, flags: 5, section: '.ARM.extab' },
      { type: PT_ARM_EXIDX, section: '.ARM.exidx' },
    ],
  }).bytes;
}
