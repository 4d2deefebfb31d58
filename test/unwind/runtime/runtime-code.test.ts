import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { naming } from '../../../src/symbols/naming.js';
import { elfUnwinder } from '../../../src/unwind/elf/elf-unwinder.js';
import { debugListLayout } from '../../../src/unwind/runtime/jit.js';
import type { Unwinder } from '../../../src/unwind/unwinder.js';
import { FrameBuilder, le } from '../../objects/dwarf/frame-builder.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { ANDROID_RULES, rulesOf } from '../../recorded/android-rules.js';
import { FUNC, OBJECT, symbolSections } from '../../symbols/symbol-builder.js';
import { putDebugList } from '../debug-list-builder.js';
import { SparseMemory } from '../sparse-memory.js';
import { mapping, registerFile, STACK, wordsOf } from '../walk-builder.js';

const LIBRARY = 0x40000000;
const JIT_CODE = 0x50000000;
const SYMFILE = 0x60000000;
/** Offset of the runtime's data in its file and in memory. */
const DATA = 0x2000;
const DESCRIPTOR = LIBRARY + DATA + 0x10;

interface Cpu {
  readonly name: ArchName;
  /** DWARF numbers of sp and of the return address column. */
  readonly sp: number;
  readonly returnColumn: number;
  /** Bytes of the CFA at a function's first instruction. */
  readonly entered: number;
}

const CPUS: readonly Cpu[] = [
  { name: 'x86_64', sp: 7, returnColumn: 16, entered: 8 },
  { name: 'x86', sp: 4, returnColumn: 8, entered: 4 },
  { name: 'arm64', sp: 31, returnColumn: 30, entered: 8 },
  { name: 'arm', sp: 13, returnColumn: 14, entered: 4 },
];

/** .debug_frame of functions of 0x100 bytes whose return address is the word at sp. */
function debugFrame(
  { name, sp, returnColumn, entered }: Cpu,
  functions: readonly { start: number; outermost?: boolean }[],
): Uint8Array {
  const size = byName(name).wordSize;
  const builder = new FrameBuilder(false);
  const saved = [0x0c, sp, entered, 0x80 | returnColumn, 1];
  const cie = builder.cie({ version: 3, returnColumn, dataAlign: -size, instructions: saved });
  for (const { start, outermost } of functions) {
    builder.fde(cie, {
      address: [...le(size, start), ...le(size, 0x100)],
      instructions: outermost ? [0x07, returnColumn] : [],
    });
  }
  return Uint8Array.from(builder.bytes);
}

/** A runtime that defines the descriptor, with `start` at 0x1000, and one method made at run time, listed by it. */
function processOf(cpu: Cpu): Unwinder {
  const arch = byName(cpu.name);
  const bits = arch.wordSize === 8 ? 64 : 32;
  const runtime = buildElf({
    bits,
    machine: arch.elfMachine,
    segments: [
      { type: 1, flags: 5, offset: 0, vaddr: 0, filesz: DATA },
      { type: 1, flags: 6, offset: DATA, vaddr: DATA, filesz: 0x100 },
    ],
    sections: [
      { name: '.text', addr: 0x1000, align: 0x1000, bytes: new Uint8Array(0x1000) },
      { name: '.data', addr: DATA, bytes: new Uint8Array(0x100) },
      ...symbolSections(
        bits,
        [
          { name: 'start', value: 0x1000, size: 0x100, type: FUNC },
          { name: '__jit_debug_descriptor', value: DATA + 0x10, size: 56, type: OBJECT },
        ],
        3,
      ),
      { name: '.debug_frame', bytes: debugFrame(cpu, [{ start: 0x1000, outermost: true }]) },
    ],
  }).bytes;
  const symfile = buildElf({
    bits,
    machine: arch.elfMachine,
    sections: [
      ...symbolSections(bits, [{ name: 'Main.hot', value: JIT_CODE + 0x100, size: 0x100, type: FUNC }], 1),
      { name: '.debug_frame', bytes: debugFrame(cpu, [{ start: JIT_CODE + 0x100 }]) },
    ],
  }).bytes;
  const memory = new SparseMemory();
  memory.put(STACK, wordsOf(arch, [LIBRARY + 0x1050, 0, 0, 0]));
  memory.put(SYMFILE, symfile);
  putDebugList(memory, {
    layout: debugListLayout(arch),
    descriptor: DESCRIPTOR,
    android: true,
    files: [{ address: SYMFILE, size: symfile.length }],
  });
  const file = new BufferSource(runtime);
  return elfUnwinder({
    arch,
    mappings: [
      mapping({ start: LIBRARY, end: LIBRARY + DATA, name: '/libart.so', inode: 1 }),
      mapping({
        start: LIBRARY + DATA,
        end: LIBRARY + DATA + 0x1000,
        prot: 3,
        offset: DATA,
        name: '/libart.so',
        inode: 1,
      }),
      mapping({ start: JIT_CODE, end: JIT_CODE + 0x1000, name: '/memfd:jit-cache (deleted)', offset: 0x2000000 }),
      mapping({ start: STACK, end: STACK + 0x1000, prot: 3 }),
    ],
    memory,
    files: { file: ({ name }) => (name === '/libart.so' ? file : null) },
    naming: naming((symbol) => symbol),
    rules: ANDROID_RULES,
  });
}

describe.each(CPUS)('code made at run time on $name', (cpu) => {
  it('is stepped and named by the image that the runtime lists', () => {
    const arch = byName(cpu.name);
    const unwinder = processOf(cpu);
    const name = (index: number): string => arch.registers[index]!.name;
    const registers = registerFile(arch, { [name(arch.pc)]: JIT_CODE + 0x110, [name(arch.sp)]: STACK });
    const { frames, stop } = unwinder.unwind(registers);
    expect(stop).toBe('end');
    expect(frames.map(({ functionName, functionOffset }) => `${functionName}+${functionOffset}`)).toEqual([
      'Main.hot+16',
      `start+${0x50 - (cpu.name.startsWith('x86') ? 1 : 4)}`,
    ]);
    expect(frames[0]).toMatchObject({ relPc: 0x110, mapName: '/memfd:jit-cache (deleted)', elfOffset: 0x2000000 });
  });

  it('is unknown where the list has no image', () => {
    const arch = byName(cpu.name);
    const unwinder = processOf(cpu);
    const name = (index: number): string => arch.registers[index]!.name;
    const outside = registerFile(arch, { [name(arch.pc)]: JIT_CODE + 0x10, [name(arch.sp)]: 0 });
    expect(unwinder.unwind(outside).frames.map(({ functionName }) => functionName)).toEqual([null]);
  });
});

describe.each([true, false])(
  'what a profiler mapped over code made at run time (as Android does it: %s)',
  (android) => {
    const cpu = CPUS.find(({ name }) => name === 'arm')!;
    const arch = byName('arm');
    const method = JIT_CODE + 0x788;
    const file = (sections: 'text' | 'table only'): BufferSource =>
      new BufferSource(
        buildElf({
          bits: 32,
          machine: arch.elfMachine,
          sections: [
            ...symbolSections(32, [{ name: 'Main.run', value: method, size: 0x100, type: FUNC }], 1),
            { name: '.debug_frame', bytes: debugFrame(cpu, [{ start: method, outermost: true }]) },
            ...(sections === 'text'
              ? [{ name: '.text', type: 8, flags: 6, addr: method, bytes: new Uint8Array(0x100) }]
              : []),
          ],
        }).bytes,
      );

    it.each(['text', 'table only'] as const)('is looked up by its own addresses (%s)', (sections) => {
      const source = file(sections);
      const unwinder = elfUnwinder({
        arch,
        mappings: [
          mapping({ start: method, end: method + 0x100, name: 'jit_map0.so', inode: 1 }),
          mapping({ start: STACK, end: STACK + 0x1000, prot: 3 }),
        ],
        memory: new SparseMemory(),
        files: { file: ({ name }) => (name === 'jit_map0.so' ? source : null) },
        naming: naming((symbol) => symbol),
        rules: rulesOf(android),
      });
      const { frames, stop } = unwinder.unwind(registerFile(arch, { pc: method + 0x3c, sp: STACK }));
      expect(stop).toBe('end');
      expect(frames).toMatchObject([
        { relPc: 0x3c, mapName: 'jit_map0.so', functionName: 'Main.run', functionOffset: 0x3c },
      ]);
    });
  },
);
