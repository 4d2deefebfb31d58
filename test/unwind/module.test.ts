/** A walk over modules that are no files at all: what the walk asks is all that it needs. */
import { describe, expect, it } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { BufferMemory } from '../../src/bytes/memory.js';
import type { SourceAt } from '../../src/symbols/provider.js';
import { CodeBytes } from '../../src/unwind/code-bytes.js';
import { CFI } from '../../src/unwind/frame.js';
import { MappingTable } from '../../src/unwind/mapping-table.js';
import type { CodeModule, ModuleFinder } from '../../src/unwind/module.js';
import { FINISHED, NOT_COVERED, STEPPED } from '../../src/unwind/rules/stepper.js';
import { Unwinder } from '../../src/unwind/unwinder.js';
import { mapping, registerFile, STACK, wordsOf } from './walk-builder.js';

const arch = byName('x86_64');
const BASE = 0x10000;
/** Functions as a symbol file lists them: FUNC address size, and the bytes from sp to the return address. */
const FUNCTIONS = [
  { name: '_Z5outerv', start: 0x100, size: 0x100, frame: -1 },
  { name: '_Z5innerv', start: 0x200, size: 0x100, frame: 8 },
];
const at = (address: number) => FUNCTIONS.find(({ start, size }) => address >= start && address < start + size);
const LINES: SourceAt = {
  position: { file: '/src/inner.cc', line: 12 },
  inlined: [
    { name: '_Z7deepestv', source: { file: '/src/deepest.h', line: 3 } },
    { name: '_Z4deepv', source: null },
  ],
};

const module: CodeModule = {
  buildId: '0102',
  code: new CodeBytes(arch, 0, () => new Uint8Array(0)),
  last: { trust: CFI, source: 'a symbol file', error: '', missing: -1, refused: false },
  step(pc, registers, memory) {
    const found = at(pc);
    if (found === undefined) return NOT_COVERED;
    if (found.frame < 0) return FINISHED;
    if (!memory.word64(registers.sp + found.frame)) return NOT_COVERED;
    registers.setWords(arch.pc, memory.lo, memory.hi);
    registers.set(arch.sp, registers.sp + found.frame + 8);
    registers.keepKept();
    return STEPPED;
  },
  describe: (pc) => `STACK of ${at(pc)?.name}`,
  functionAt(address) {
    const found = at(address);
    return found === undefined ? null : { name: found.name, offset: address - found.start };
  },
  sourceAt: (address) => (at(address)?.name === '_Z5innerv' ? LINES : null),
  covers: (address) => at(address) !== undefined,
  hasFunctions: true,
  functionBound: () => 0,
  isStartCode: () => false,
};

const finder: ModuleFinder = {
  find: (index, { mappings }) =>
    mappings[index]!.name === 'app.exe'
      ? { module, bias: -BASE, absolute: false, start: 0, name: 'app.exe', error: '' }
      : null,
};

describe('modules of any kind', () => {
  const texts: string[] = [];
  const unwinder = new Unwinder({
    arch,
    mappings: new MappingTable([
      mapping({ start: BASE, end: BASE + 0x1000, name: 'app.exe' }),
      mapping({ start: STACK, end: STACK + 0x1000, prot: 3 }),
    ]),
    memory: new BufferMemory(STACK, wordsOf(arch, [0, BASE + 0x180])),
    finders: [finder],
    demangle: (name) => name.replace(/^_Z\d(\w+)v$/, '$1()'),
    explain: ({ text }) => texts.push(text),
  });
  const { frames, stop } = unwinder.unwind(registerFile(arch, { rip: BASE + 0x210, rsp: STACK }));

  it('are stepped through and named', () => {
    expect(stop).toBe('end');
    expect(frames.map(({ functionName, functionOffset, trust }) => [functionName, functionOffset, trust])).toEqual([
      ['inner()', 16, 'context'],
      ['outer()', 127, 'cfi'],
    ]);
    expect(frames[0]).toMatchObject({ relPc: 0x210, mapName: 'app.exe', buildId: '0102', elfOffset: 0 });
    expect(texts).toContain('a symbol file: STACK of _Z5innerv');
  });

  it('give source lines and inlined calls', () => {
    expect(frames[0]).toMatchObject({
      source: { file: '/src/inner.cc', line: 12 },
      inlined: [
        { name: 'deepest()', source: { file: '/src/deepest.h', line: 3 } },
        { name: 'deep()', source: null },
      ],
    });
    expect(frames[1]).toMatchObject({ source: null, inlined: [] });
  });

  it('that no finder knows are none', () => {
    const none = new Unwinder({ arch, mappings: unwinder.modules.mappings, memory: unwinder.memory, finders: [] });
    const { frames: bare } = none.unwind(registerFile(arch, { rip: BASE + 0x210, rsp: STACK }));
    expect(bare[0]).toMatchObject({ mapName: 'app.exe', relPc: 0x210, functionName: null, buildId: null });
  });
});
