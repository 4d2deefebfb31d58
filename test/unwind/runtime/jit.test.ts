import { beforeAll, describe, expect, it } from 'vitest';
import type { Arch } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { prepareXz } from '../../../src/objects/elf/xz.js';
import { LAYOUT_64, LAYOUT_ARM, LAYOUT_X86 } from '../../../src/unwind/runtime/debug-list.js';
import { debugListLayout, GdbJit } from '../../../src/unwind/runtime/jit.js';
import { FrameBuilder, le } from '../../objects/dwarf/frame-builder.js';
import { buildElf } from '../../objects/elf/elf-builder.js';
import { buildXz } from '../../objects/elf/xz-builder.js';
import { symbolSections } from '../../symbols/symbol-builder.js';
import { putDebugList } from '../debug-list-builder.js';
import { SparseMemory } from '../sparse-memory.js';

const DESCRIPTOR = 0x10000;
const CODE = 0x5000_0000;

/** .debug_frame with an FDE for each range. */
function debugFrame(arch: Arch, ranges: readonly (readonly [start: number, size: number])[]): Uint8Array {
  const builder = new FrameBuilder(false);
  const cie = builder.cie({ returnColumn: 0, instructions: [0x0c, 0, 0] });
  for (const [start, size] of ranges) {
    builder.fde(cie, { address: [...le(arch.wordSize, start), ...le(arch.wordSize, size)], instructions: [] });
  }
  return Uint8Array.from(builder.bytes);
}

const base = (arch: Arch) => ({ bits: arch.wordSize === 8 ? (64 as const) : (32 as const), machine: arch.elfMachine });

/** As Android's runtime makes them: no segments, .text without bytes, .debug_frame. */
function artImage(
  arch: Arch,
  text: readonly [number, number],
  methods: readonly (readonly [number, number])[],
): Uint8Array {
  return buildElf({
    ...base(arch),
    sections: [
      { name: '.text', type: 8, flags: 6, addr: text[0], bytes: new Uint8Array(text[1]) },
      { name: '.debug_frame', bytes: debugFrame(arch, methods) },
    ],
  }).bytes;
}

function jitOf(arch: Arch, images: readonly Uint8Array[]): { jit: GdbJit; memory: SparseMemory; elfs: number[] } {
  const memory = new SparseMemory();
  const files = images.map((bytes, i) => ({ address: 0x100_0000 * (i + 1), size: bytes.length }));
  images.forEach((bytes, i) => {
    memory.put(files[i]!.address, bytes);
  });
  putDebugList(memory, { layout: debugListLayout(arch), descriptor: DESCRIPTOR, files, android: true });
  const jit = new GdbJit({ arch, memory, descriptors: () => [DESCRIPTOR] });
  return { jit, memory, elfs: files.map(({ address }) => address) };
}

it('knows how each CPU’s compiler lays out an entry', () => {
  const layouts = (['x86_64', 'arm64', 'arm', 'x86'] as const).map((name) => debugListLayout(byName(name)));
  expect(layouts).toEqual([LAYOUT_64, LAYOUT_64, LAYOUT_ARM, LAYOUT_X86]);
});

describe.each(['x86_64', 'x86', 'arm64', 'arm'] as const)('%s', (name) => {
  const arch = byName(name);

  it('finds the image with the method: regions of packed ones overlap', () => {
    const { jit } = jitOf(arch, [
      artImage(arch, [CODE, 0x10000], [[CODE, 0x100]]),
      artImage(arch, [CODE + 0x200, 0x100], [[CODE + 0x200, 0x100]]),
    ]);
    const first = jit.find(CODE + 0x10);
    const second = jit.find(CODE + 0x210);
    expect(jit.size).toBe(2);
    expect(first).toBeInstanceOf(ElfFile);
    expect(second).toBeInstanceOf(ElfFile);
    expect(second).not.toBe(first);
    expect(jit.find(CODE + 0x20000)).toBeNull();
    expect(jit.find(CODE + 0x210)).toBe(second);
  });

  it('finds a method by its table where .text has the address 0', () => {
    const { jit } = jitOf(arch, [
      artImage(arch, [0, 0x100], [[CODE, 0x100]]),
      artImage(arch, [4, 0], [[CODE + 0x100, 8]]),
    ]);
    expect(jit.find(CODE + 0x10)).not.toBeNull();
    expect(jit.find(CODE + 0x104)).not.toBeNull();
    expect(jit.find(CODE + 0x108)).toBeNull();
  });

  it('finds an image by its segments', () => {
    const bytes = buildElf({
      ...base(arch),
      segments: [{ type: 1, flags: 5, offset: 0, vaddr: CODE, filesz: 0x40, memsz: 0x1000 }],
    }).bytes;
    const { jit } = jitOf(arch, [bytes]);
    expect(jit.find(CODE + 0xfff)).not.toBeNull();
    expect(jit.find(CODE + 0x1000)).toBeNull();
  });

  it('finds an object file without tables by its sections', () => {
    const bytes = buildElf({
      ...base(arch),
      type: 1,
      sections: [
        { name: '.text', flags: 6, addr: CODE, bytes: new Uint8Array(0x40) },
        ...symbolSections(base(arch).bits, [{ name: 'jitted', value: 0x10, size: 0x20 }], 2),
      ],
    }).bytes;
    expect(jitOf(arch, [bytes]).jit.find(CODE + 0x3f)).not.toBeNull();
    expect(jitOf(arch, [bytes]).jit.find(CODE + 0x40)).toBeNull();
  });

  it('leaves out images of another machine, and what is none', () => {
    const other = byName(name === 'arm' ? 'x86' : 'arm');
    const { jit } = jitOf(arch, [
      Uint8Array.of(1, 2, 3),
      artImage(other, [CODE, 0x100], [[CODE, 0x100]]),
      artImage(arch, [CODE, 0x100], [[CODE, 0x100]]),
    ]);
    expect(jit.size).toBe(1);
    expect(jit.find(CODE)).not.toBeNull();
  });
});

describe('of several images that cover a pc', () => {
  const arch = byName('arm64');
  const named = (name: string, ranges: readonly (readonly [number, number])[]): Uint8Array =>
    buildElf({
      ...base(arch),
      sections: [
        { name: '.debug_frame', bytes: debugFrame(arch, ranges) },
        { name, bytes: Uint8Array.of(1) },
      ],
    }).bytes;
  const images = ['first', 'second', 'third'].map((name) => named(`.${name}`, [[CODE, 0x100]]));
  const find = (places: readonly number[], names?: (elf: ElfFile) => boolean): string | undefined => {
    const memory = new SparseMemory();
    const files = images.map((bytes, i) => ({ address: 0x100_0000 * (i + 1), size: bytes.length }));
    images.forEach((bytes, i) => {
      memory.put(files[i]!.address, bytes);
    });
    putDebugList(memory, { layout: LAYOUT_64, descriptor: DESCRIPTOR, files, places });
    const jit = new GdbJit({ arch, memory, descriptors: () => [DESCRIPTOR], ...(names && { names }) });
    return jit.find(CODE + 0x10)?.sections.find(({ name }) => /first|second|third/.test(name))?.name;
  };

  it('takes the first that names it, by the entries’ addresses', () => {
    expect(find([0, 1, 2], (elf) => elf.section('.first') === null)).toBe('.second');
    expect(find([0, 2, 1], (elf) => elf.section('.first') === null)).toBe('.third');
  });

  it('takes the last when none does', () => {
    expect(find([0, 1, 2], () => false)).toBe('.third');
    expect(find([2, 1, 0])).toBe('.first');
  });
});

it('does not take an image by segments that hold no code', () => {
  const arch = byName('x86_64');
  const bytes = buildElf({
    ...base(arch),
    segments: [
      { type: 1, flags: 4, offset: 0, vaddr: CODE, filesz: 0x40, memsz: 0x1000 },
      { type: 1, flags: 5, offset: 0, vaddr: CODE + 0x1000, filesz: 0x40, memsz: 0x1000 },
    ],
  }).bytes;
  const { jit } = jitOf(arch, [bytes]);
  expect(jit.find(CODE)).toBeNull();
  expect(jit.find(CODE + 0x1000)).not.toBeNull();
});

it('takes no image without tables by its sections, as Android does not', () => {
  const arch = byName('x86_64');
  const bytes = buildElf({
    ...base(arch),
    sections: [{ name: '.text', flags: 6, addr: CODE, bytes: new Uint8Array(0x40) }],
  }).bytes;
  const { memory } = jitOf(arch, [bytes]);
  const options = { arch, memory, descriptors: () => [DESCRIPTOR] };
  expect(new GdbJit({ ...options, sections: false }).find(CODE)).toBeNull();
  expect(new GdbJit(options).find(CODE)).not.toBeNull();
});

it('reads nothing before it is asked, and the list once', () => {
  const arch = byName('x86_64');
  const { jit, memory } = jitOf(arch, [artImage(arch, [CODE, 0x100], [[CODE, 0x100]])]);
  expect(memory.reads).toBe(0);
  jit.find(CODE);
  const { reads } = memory;
  jit.find(CODE + 0x9999_9999);
  expect(memory.reads).toBe(reads);
});

it('asks each place where the descriptor may be', () => {
  const arch = byName('x86_64');
  const { memory } = jitOf(arch, [artImage(arch, [CODE, 0x100], [[CODE, 0x100]])]);
  const jit = (...places: number[]) => new GdbJit({ arch, memory, descriptors: () => places });
  expect(jit().find(CODE)).toBeNull();
  expect(jit(0xdead0000, 0x10001, DESCRIPTOR).find(CODE)).not.toBeNull();
});

describe('.gnu_debugdata', () => {
  beforeAll(() => prepareXz());

  it('may hold the tables of packed methods', () => {
    const arch = byName('arm64');
    const inner = buildElf({
      ...base(arch),
      sections: [{ name: '.debug_frame', bytes: debugFrame(arch, [[CODE + 0x40, 0x40]]) }],
    }).bytes;
    const outer = buildElf({
      ...base(arch),
      sections: [
        { name: '.text', type: 8, flags: 6, addr: CODE, bytes: new Uint8Array(0x1000) },
        { name: '.gnu_debugdata', bytes: buildXz([inner]) },
      ],
    }).bytes;
    const plain = artImage(arch, [CODE, 0x1000], [[CODE + 0x100, 0x40]]);
    const { jit } = jitOf(arch, [plain, outer]);
    expect(jit.find(CODE + 0x50)!.section('.gnu_debugdata')).not.toBeNull();
    expect(jit.find(CODE + 0x110)!.section('.gnu_debugdata')).toBeNull();
  });
});

it('survives any byte of the process changed', () => {
  const arch = byName('x86');
  const image = artImage(arch, [CODE, 0x100], [[CODE, 0x100]]);
  for (let i = 0; i < image.length; i++) {
    const changed = Uint8Array.from(image);
    changed[i]! ^= 0xff;
    const { jit } = jitOf(arch, [changed]);
    for (const pc of [0, CODE, CODE + 0xff]) expect([null, ElfFile]).toContain(jit.find(pc)?.constructor ?? null);
    expect(jitOf(arch, [image.subarray(0, i)]).jit.find(CODE + 0x1000)).toBeNull();
  }
});
