/**
 * Any bytes as the memory of a process that shows run-time code: descriptor at 0, entries and images wherever it says.
 */
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { prepareXz } from '../../../src/objects/elf/xz.js';
import { ElfSymbols } from '../../../src/symbols/tables/elf-symbols.js';
import { debugListLayout, GdbJit } from '../../../src/unwind/runtime/jit.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { symbolSections } from '../../symbols/symbol-builder.js';
import { putDebugList } from '../../unwind/debug-list-builder.js';

const ARCHES = ['x86_64', 'x86', 'arm', 'arm64'] as const;
const IMAGE = 0x2000;

export const prepare = prepareXz;

export const seeds = (): Uint8Array[] =>
  ARCHES.map((name) => {
    const arch = byName(name);
    const bits = arch.wordSize === 8 ? 64 : 32;
    const image = buildElf({
      bits,
      machine: arch.elfMachine,
      sections: [
        { name: '.text', type: 8, flags: 6, addr: 0x100, bytes: new Uint8Array(0x100) },
        ...symbolSections(bits, [{ name: 'jitted', value: 0x120, size: 0x20 }], 2),
      ],
    }).bytes;
    const bytes = Buffer.alloc(IMAGE + image.length);
    bytes.set(image, IMAGE);
    const memory = { put: (at: number, part: Uint8Array) => bytes.set(part, at) };
    const files = [{ address: IMAGE, size: image.length }];
    putDebugList(memory, { layout: debugListLayout(arch), descriptor: 0, files, android: true });
    return bytes;
  });

export function target(bytes: Uint8Array): string {
  let word = '';
  for (const name of ARCHES) {
    const jit = new GdbJit({ arch: byName(name), memory: new BufferMemory(0, bytes), descriptors: () => [0] });
    for (let pc = 0; pc < 0x400; pc += 0x20) {
      const elf = jit.find(pc);
      if (elf !== null) word += new ElfSymbols(elf).functionAt(pc) === null ? 'i' : 'n';
    }
    word += `${Math.min(9, jit.size)} `;
  }
  return word;
}
