import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import type { Memory } from '../../../src/bytes/memory.js';
import { naming } from '../../../src/symbols/naming.js';
import { ElfModules } from '../../../src/unwind/elf/elf-modules.js';
import type { Mapping } from '../../../src/unwind/mapping.js';
import { MappingTable } from '../../../src/unwind/mapping-table.js';
import type { ModuleSource } from '../../../src/unwind/module.js';
import { LAYOUT_ARM } from '../../../src/unwind/runtime/debug-list.js';
import { runtimeCode } from '../../../src/unwind/runtime/runtime-code.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { rulesOf } from '../../recorded/android-rules.js';
import { BisectedSymbols } from '../../recorded/bisected-symbols.js';
import { OBJECT, symbolSections } from '../../symbols/symbol-builder.js';
import { putDebugList } from '../debug-list-builder.js';
import { buildDex } from '../dex-builder.js';
import { mapping, SparseMemory } from '../sparse-memory.js';

const arch = byName('arm');
const LIBRARY = 0x4000_0000;
const CODE = 0x5000_0000;
const DEX = 0x6000_0000;
const JIT_IMAGE = 0x7000_0000;
const DATA_OFFSET = 0x2000;
/** Its data lies 0x1000 higher in memory than in the file. */
const DATA_ADDRESS = 0x3000;

/** A library with both descriptors in its data. */
const library = buildElf({
  bits: 32,
  machine: arch.elfMachine,
  segments: [
    { type: 1, flags: 5, offset: 0, vaddr: 0, filesz: DATA_OFFSET },
    { type: 1, flags: 6, offset: DATA_OFFSET, vaddr: DATA_ADDRESS, filesz: 0x1000 },
  ],
  sections: [
    ...symbolSections(
      32,
      [
        { name: '__jit_debug_descriptor', value: DATA_ADDRESS + 0x40, size: 48, type: OBJECT },
        { name: '__dex_debug_descriptor', value: DATA_ADDRESS + 0x80, size: 48, type: OBJECT },
      ],
      1,
      'dynsym',
    ),
    { name: '.data', align: DATA_OFFSET, addr: DATA_ADDRESS, bytes: new Uint8Array(0x1000) },
  ],
}).bytes;

const jitImage = buildElf({
  bits: 32,
  machine: arch.elfMachine,
  segments: [{ type: 1, flags: 5, offset: 0, vaddr: CODE, filesz: 0x40, memsz: 0x1000 }],
}).bytes;
const dex = buildDex([{ descriptor: 'LMain;', methods: [{ name: 'run', codeUnits: 8 }] }]);

function codeOf(name: string, offset: number, android = false) {
  const file = new BufferSource(Buffer.concat([Buffer.alloc(offset), library]));
  const mappings: Mapping[] = [
    mapping(DEX, 0x1000),
    mapping(LIBRARY + DATA_ADDRESS, 0x1000, { name, offset: offset + DATA_OFFSET, prot: 3 }),
    mapping(LIBRARY, DATA_OFFSET, { name, offset, prot: 5 }),
    mapping(0x1000, 0x1000, { name: '/system/lib/other.so', prot: 3 }),
  ];
  const memory = new SparseMemory().put(JIT_IMAGE, jitImage).put(DEX, dex.bytes);
  const data = LIBRARY + DATA_ADDRESS;
  const list = { layout: LAYOUT_ARM, android: true };
  putDebugList(memory, {
    ...list,
    descriptor: data + 0x40,
    files: [{ address: JIT_IMAGE, size: jitImage.length }],
  });
  putDebugList(memory, {
    ...list,
    descriptor: data + 0x80,
    files: [{ address: DEX, size: dex.bytes.length }],
  });
  return codeIn(mappings, memory, { file: (one) => (one.name === name ? file : null) }, android);
}

function codeIn(mappings: readonly Mapping[], memory: Memory, files: ModuleSource, android = false) {
  const names = naming((symbol) => symbol, android ? { Table: BisectedSymbols } : {});
  const table = new MappingTable(mappings);
  const rules = rulesOf(android);
  const modules = new ElfModules({ arch, mappings: table, memory, files, naming: names, rules });
  return runtimeCode({ modules, memory, files, naming: names, rules: rules.runtime });
}

describe.each([
  ['a library', '/apex/com.android.art/lib/libart.so', 0],
  ['any library', '/usr/lib/libLLVM.so', 0],
  ['a library inside an apk', '/data/app/base.apk', 0x4000],
] as const)('the descriptors of %s', (_, name, offset) => {
  it.each([false, true])('as Android reads them: %s', (android) => {
    const { jit, dex: dexFiles } = codeOf(name, offset, android);
    expect(jit.find(CODE + 0x10)).not.toBeNull();
    expect(jit.find(CODE + 0x1000)).toBeNull();
    expect(dexFiles.functionAt(DEX + dex.code['LMain;->run']! + 2)).toEqual({ name: 'Main.run', offset: 2 });
  });
});

it('knows nothing where there is nothing', () => {
  const memory = new SparseMemory();
  const none = codeIn([], memory, { file: () => null });
  expect(none.jit.find(CODE)).toBeNull();
  expect(none.dex.functionAt(DEX)).toBeNull();
});
