/** Any bytes as a dex file, and as a mapping that dex files are looked for in. */
import { byName } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { DexFiles } from '../../../src/unwind/runtime/dex.js';
import { DexFile } from '../../../src/unwind/runtime/dex-file.js';
import { buildDex, type DexClass } from '../../unwind/dex-builder.js';
import { mapping } from '../../unwind/sparse-memory.js';

const CLASSES: readonly DexClass[] = [
  {
    descriptor: 'LMain;',
    fields: 2,
    methods: [
      { name: '<init>', codeUnits: 4 },
      { name: 'run', codeUnits: 0x900 },
    ],
  },
  { descriptor: 'La/B;', methods: [{ name: 'c', codeUnits: 3, virtual: true }] },
];

export const seeds = (): Uint8Array[] => [
  buildDex(CLASSES).bytes,
  buildDex(CLASSES, { compact: true }).bytes,
  Buffer.concat([Buffer.alloc(64), buildDex(CLASSES, { containerOffset: 64 }).bytes]),
];

export function target(bytes: Uint8Array): string {
  const names = new Set<string>();
  const dex = DexFile.parse(new BufferSource(bytes));
  const files = new DexFiles({
    arch: byName('arm64'),
    memory: new BufferMemory(0, bytes),
    mappings: [mapping(0, bytes.length)],
    file: () => null,
    descriptors: () => [0],
  });
  for (let offset = 0; offset < bytes.length; offset += 1 + (bytes.length >> 5)) {
    for (const found of [dex?.functionAt(offset), files.functionAt(offset)]) if (found) names.add(found.name);
  }
  return `${dex === null} ${names.size}`;
}
