/**
 * A whole unwind: any bytes as registers, stack, memory and ELF image of a process, in both modes, explained and named.
 */
import { architectures } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../../src/bytes/memory.js';
import { naming } from '../../../src/symbols/naming.js';
import { elfUnwinder } from '../../../src/unwind/elf/elf-unwinder.js';
import { DEFAULT_RULES } from '../../../src/unwind/rule-set.js';
import { ANDROID_RULES } from '../../recorded/android-rules.js';
import { buildImage, CODE_SIZE, IMAGE, mapping, registerFile, STACK, wordsOf } from '../../unwind/walk-builder.js';

const STACK_BYTES = 512;

/** One byte for the CPU, one for flags, the register file, the stack, the image. */
export function seeds(): Uint8Array[] {
  return architectures.map((arch, index) => {
    const outermost = arch.registers[arch.lr < 0 ? arch.pc : arch.lr]!.dwarf;
    const image = buildImage(arch, [
      { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, outermost] },
      { name: 'main', start: 0x1100, size: 0x100, instructions: [0x0e, 16, 0x80 | outermost, 1] },
      { name: 'work', start: 0x1200, size: 0x100, instructions: [0x0f, 2, 0x70 + 3, 8, 0x10, outermost, 2, 0x73, 0] },
      { name: 'bare', start: 0x1300, size: 0x100, code: arch.trampolines[0]!.code[0]! },
    ]);
    const stack = new Uint8Array(STACK_BYTES);
    const words = Array.from({ length: 24 }, (_, i) =>
      i % 3 === 2 ? IMAGE + 0x1050 + 0x100 * (i % 4) : STACK + 8 * i,
    );
    stack.set(wordsOf(arch, words));
    const registers = registerFile(arch, {
      [arch.registers[arch.pc]!.name]: IMAGE + 0x1300,
      [arch.registers[arch.sp]!.name]: STACK,
      [arch.registers[Math.max(arch.fp, 0)]!.name]: STACK + 64,
      ...(arch.lr >= 0 && { [arch.registers[arch.lr]!.name]: IMAGE + 0x1150 }),
    });
    return Uint8Array.from([index, 0, ...registers, ...stack, ...image]);
  });
}

export function target(bytes: Uint8Array): string {
  const arch = architectures[(bytes[0] ?? 0) % architectures.length]!;
  const flags = bytes[1] ?? 0;
  const registers = bytes.subarray(2, 2 + 8 * arch.registers.length);
  const rest = bytes.subarray(2 + 8 * arch.registers.length);
  const stack = new BufferMemory(STACK, rest.subarray(0, STACK_BYTES));
  const image = rest.subarray(STACK_BYTES);
  const inMemory = new BufferMemory(IMAGE, image);
  const memory: Memory = {
    read: (address, into) => stack.read(address, into) || ((flags & 1) !== 0 ? inMemory.read(address, into) : 0),
  };
  const source = new BufferSource(image);
  const words: string[] = [];
  for (const rules of [ANDROID_RULES, DEFAULT_RULES]) {
    const unwinder = elfUnwinder({
      arch,
      mappings: [
        mapping({ start: IMAGE, end: IMAGE + CODE_SIZE, name: '/bin/it', offset: (flags & 2) !== 0 ? 0x1000 : 0 }),
        mapping({ start: STACK, end: STACK + 0x1000, prot: 3, name: '[stack]' }),
        mapping({ start: 0x10000, end: 0x20000, prot: 7 }),
      ],
      memory,
      files: { file: ({ name }) => ((flags & 1) === 0 && name === '/bin/it' ? source : null) },
      naming: naming((name) => name),
      rules,
      maxFrames: 64,
      explain: () => {},
    });
    const { frames, stop } = unwinder.unwind(registers);
    words.push(`${stop} ${[...new Set(frames.map(({ trust }) => trust))].join(' ')}`);
  }
  return words.join(' | ');
}
