import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { DexFile } from '../../../src/unwind/runtime/dex-file.js';
import { buildDex, type DexClass } from '../dex-builder.js';

const CLASSES: readonly DexClass[] = [
  {
    descriptor: 'LMain;',
    fields: 3,
    methods: [
      { name: '<init>', codeUnits: 4 },
      { name: 'main', codeUnits: 0x900 },
      { name: 'run', codeUnits: 10, virtual: true },
      { name: 'nativeOne', codeUnits: 0, virtual: true },
    ],
  },
  { descriptor: 'Lcom/example/Foo$Bar;', methods: [{ name: 'grüßen', codeUnits: 3 }] },
];

const name = (dex: DexFile | null, offset: number): string | null => {
  const found = dex?.functionAt(offset) ?? null;
  return found === null ? null : `${found.name}+${found.offset}`;
};

describe.each([
  ['dex', {}],
  ['compact dex', { compact: true }],
] as const)('%s', (_, options) => {
  const { bytes, code } = buildDex(CLASSES, options);
  const dex = DexFile.parse(new BufferSource(bytes));

  it('names the method whose instructions hold an offset', () => {
    expect(dex!.size).toBe(bytes.length);
    const main = code['LMain;->main']!;
    expect(name(dex, main)).toBe('Main.main+0');
    expect(name(dex, main + 0x11ff)).toBe('Main.main+4607');
    expect(name(dex, main + 0x1200)).toBeNull();
    expect(name(dex, main - 1)).toBeNull();
    expect(name(dex, code['LMain;-><init>']! + 2)).toBe('Main.<init>+2');
    expect(name(dex, code['LMain;->run']! + 4)).toBe('Main.run+4');
    expect(name(dex, code['Lcom/example/Foo$Bar;->grüßen']!)).toBe('com.example.Foo$Bar.grüßen+0');
    expect(name(dex, 0)).toBeNull();
  });

  it('survives any length, and any byte changed', () => {
    const small = buildDex([{ descriptor: 'LA;', methods: [{ name: 'b', codeUnits: 2 }] }], options);
    const at = small.code['LA;->b']!;
    for (let i = 0; i < small.bytes.length; i++) {
      name(DexFile.parse(new BufferSource(small.bytes.subarray(0, i))), at);
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(small.bytes);
        changed[i] = value;
        name(DexFile.parse(new BufferSource(changed)), at);
      }
    }
    expect(name(DexFile.parse(new BufferSource(small.bytes)), at)).toBe('A.b+0');
  });
});

it('in a container its offsets count from the container’s beginning', () => {
  const { bytes, code } = buildDex(CLASSES, { containerOffset: 0x400 });
  const container = Buffer.concat([Buffer.alloc(0x400), bytes]);
  const dex = DexFile.parse(new BufferSource(container), 0x400);
  expect(name(dex, code['LMain;->run']!)).toBe('Main.run+0');
  expect(DexFile.parse(new BufferSource(bytes))).toBeNull();
});

it('decodes modified UTF-8', () => {
  // U+1F600 as two surrogates of three bytes each: ED A0 BD ED B8 80.
  const built = buildDex([{ descriptor: 'LA;', methods: [{ name: 'xxxxxx', codeUnits: 1 }] }]);
  const bytes = Buffer.from(built.bytes);
  bytes.set([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], bytes.indexOf('xxxxxx'));
  expect(name(DexFile.parse(new BufferSource(bytes)), built.code['LA;->xxxxxx']!)).toBe('A.😀+0');
});

it('does no more work than the file has bytes, however many classes claim them', () => {
  // 4000 classes whose data is one and the same.
  const classes = Array.from({ length: 4000 }, () => ({ descriptor: 'LA;', methods: [] }));
  const built = buildDex([
    { descriptor: 'LB;', methods: Array.from({ length: 2000 }, () => ({ name: 'm', codeUnits: 1 })) },
    ...classes,
  ]);
  const bytes = Buffer.from(built.bytes);
  const definitions = bytes.readUInt32LE(100);
  const first = bytes.readUInt32LE(definitions + 24);
  for (let i = 1; i <= 4000; i++) bytes.writeUInt32LE(first, definitions + 32 * i + 24);
  expect(name(DexFile.parse(new BufferSource(bytes)), built.code['LB;->m']!)).toBe('B.m+0');
});
