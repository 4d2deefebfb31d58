/** Any bytes as ARM unwind instructions, as an index entry with its table, and as an ELF image with an index. */
import { byName } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { WordMemory } from '../../../src/bytes/word-memory.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { exidxStepper } from '../../../src/unwind/elf/elf-module.js';
import { RegisterState } from '../../../src/unwind/registers.js';
import { compileExidx, type ExidxProgram, readExidxEntry } from '../../../src/unwind/rules/exidx-program.js';
import { buildExidxImage, TABLE } from '../../unwind/exidx-builder.js';

function check(program: ExidxProgram, size: number): void {
  if (typeof program === 'string') return;
  if (program.length % 2 !== 0 || program.length > 2 * size)
    throw new Error(`${program.length} words from ${size} bytes`);
}

export const seeds = (): Uint8Array[] => [
  Uint8Array.of(0x97, 0x41, 0x84, 0x0d, 0xb2, 0x81, 0x01, 0xc9, 0x83, 0xb1, 0x0f, 0xa8),
  buildExidxImage(
    [
      [0x100, 0x80a8b0b0],
      [0x200, 1],
      [0x300, TABLE],
      [0x400, TABLE + 8],
    ],
    [0x81018480, 0xb1b0b0b0, 0x7fff0000, 0x01978480, 0xa8b0b0b0],
  ),
];

export function target(bytes: Uint8Array): string {
  const program = compileExidx(bytes);
  check(program, bytes.length);
  const shape =
    typeof program === 'string'
      ? program
      : program
          .filter((_, i) => i % 2 === 0)
          .join('')
          .slice(0, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): number => (at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : -1);
  for (let at = 0; at + 4 <= Math.min(bytes.length, 256); at += 4) check(readExidxEntry(at, word(at), word), 1023);
  const elf = ElfFile.parse(new BufferSource(bytes));
  const stepper = elf instanceof ElfFile ? exidxStepper(elf) : null;
  if (stepper === null) return shape;
  const registers = new RegisterState(byName('arm'));
  const memory = new WordMemory(new BufferMemory(0, bytes));
  let steps = '';
  for (let pc = 0; pc < 0x800; pc += 0x80) steps += stepper.step(pc, registers, memory);
  return steps;
}
