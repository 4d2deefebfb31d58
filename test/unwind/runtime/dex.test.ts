import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../../src/bytes/byte-source.js';
import type { Mapping } from '../../../src/unwind/mapping.js';
import { LAYOUT_64 } from '../../../src/unwind/runtime/debug-list.js';
import { DexFiles } from '../../../src/unwind/runtime/dex.js';
import { putDebugList } from '../debug-list-builder.js';
import { buildDex } from '../dex-builder.js';
import { mapping, SparseMemory } from '../sparse-memory.js';

const DESCRIPTOR = 0x10000;
const DEX = 0x7000_0000;

const one = buildDex([{ descriptor: 'LMain;', methods: [{ name: 'run', codeUnits: 8 }] }]);
const two = buildDex([{ descriptor: 'Lcom/example/Foo;', methods: [{ name: 'bar', codeUnits: 8 }] }]);
const runAt = one.code['LMain;->run']!;
const barAt = two.code['Lcom/example/Foo;->bar']!;

interface Setup {
  readonly mappings: readonly Mapping[];
  readonly memory?: SparseMemory;
  readonly files?: Readonly<Record<string, ByteSource>>;
  readonly scan?: boolean;
  readonly listed?: boolean;
}

function dexFiles(setup: Setup): (dexPc: number) => string | null {
  const dex = new DexFiles({
    arch: byName('arm64'),
    memory: setup.memory ?? new SparseMemory(),
    mappings: setup.mappings,
    file: ({ name }) => setup.files?.[name] ?? null,
    descriptors: () => (setup.listed ? [DESCRIPTOR] : []),
    scan: setup.scan ?? true,
  });
  return (dexPc) => {
    const found = dex.functionAt(dexPc);
    return found === null ? null : `${found.name}+${found.offset}`;
  };
}

function listed(...addresses: readonly (readonly [number, Uint8Array])[]): SparseMemory {
  const memory = new SparseMemory();
  const files = addresses.map(([address, bytes]) => ({ address, size: bytes.length }));
  putDebugList(memory, { layout: LAYOUT_64, descriptor: DESCRIPTOR, files, android: true });
  return memory;
}

describe('dex files that the runtime lists', () => {
  it('are read from memory', () => {
    const memory = listed([DEX, one.bytes], [DEX + 0x1000, two.bytes]);
    memory.put(DEX, one.bytes).put(DEX + 0x1000, two.bytes);
    const name = dexFiles({ mappings: [mapping(DEX, 0x4000)], memory, listed: true, scan: false });
    expect(name(DEX + runAt + 2)).toBe('Main.run+2');
    expect(name(DEX + 0x1000 + barAt)).toBe('com.example.Foo.bar+0');
    expect(name(DEX + 0x3000)).toBeNull();
    expect(name(DEX + runAt + 16)).toBeNull();
  });

  it('are read from the mapped file where memory was not copied', () => {
    const file = new BufferSource(Buffer.concat([Buffer.alloc(0x800), one.bytes]));
    const name = dexFiles({
      mappings: [mapping(DEX, 0x2000, { name: '/app/base.vdex', offset: 0x400 })],
      memory: listed([DEX + 0x400, one.bytes]),
      files: { '/app/base.vdex': file },
      listed: true,
      scan: false,
    });
    expect(name(DEX + 0x400 + runAt)).toBe('Main.run+0');
  });

  it('are read from memory where the file is another', () => {
    const name = dexFiles({
      mappings: [mapping(DEX, 0x2000, { name: '/app/base.vdex' })],
      memory: listed([DEX, one.bytes]).put(DEX, one.bytes),
      files: { '/app/base.vdex': new BufferSource(Buffer.alloc(0x2000)) },
      listed: true,
      scan: false,
    });
    expect(name(DEX + runAt)).toBe('Main.run+0');
  });
});

describe('dex files that nobody lists', () => {
  const vdex = Buffer.concat([Buffer.from('vdex027\0'), Buffer.alloc(56), one.bytes, Buffer.alloc(3)]);
  const second = Math.ceil(vdex.length / 4) * 4;
  const file = Buffer.concat([vdex, Buffer.alloc(second - vdex.length), two.bytes]);
  const mappings = [mapping(DEX, 0x4000, { name: '/app/base.vdex' })];

  it('are looked for in the file around the pc', () => {
    const name = dexFiles({ mappings, files: { '/app/base.vdex': new BufferSource(file) } });
    expect(name(DEX + 64 + runAt)).toBe('Main.run+0');
    expect(name(DEX + second + barAt + 4)).toBe('com.example.Foo.bar+4');
    expect(name(DEX + 0x3000)).toBeNull();
  });

  it('are looked for in memory', () => {
    const name = dexFiles({ mappings: [mapping(DEX, 0x4000)], memory: new SparseMemory().put(DEX, file) });
    expect(name(DEX + second + barAt)).toBe('com.example.Foo.bar+0');
  });

  it('are not, in the mode that does as Android does', () => {
    const name = dexFiles({ mappings, files: { '/app/base.vdex': new BufferSource(file) }, scan: false });
    expect(name(DEX + 64 + runAt)).toBeNull();
  });

  it('are none outside of mappings', () => {
    const name = dexFiles({ mappings, files: { '/app/base.vdex': new BufferSource(file) } });
    for (const pc of [0, DEX - 1, DEX + 0x4000, 2 ** 53]) expect(name(pc)).toBeNull();
  });

  it('a file full of magic numbers ends', () => {
    const magics = Buffer.alloc(0x200000, 'dex\n035\0');
    const name = dexFiles({
      mappings: [mapping(DEX, 0x200000, { name: '/app/x' })],
      files: { '/app/x': new BufferSource(magics) },
    });
    expect(name(DEX + 0x1000)).toBeNull();
  });
});
