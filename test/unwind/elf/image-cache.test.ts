import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { elfUnwinder } from '../../../src/unwind/elf/elf-unwinder.js';
import { ImageCache } from '../../../src/unwind/elf/image-cache.js';
import { buildImage, CODE_SIZE, IMAGE, mapping, namesOf, registerFile, STACK, wordsOf } from '../walk-builder.js';

const arch = byName('x86_64');
const functions = [
  { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 16] },
  { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] },
];

/** A file that counts the bytes read from it, and can be closed. */
class CountingFile implements ByteSource {
  readonly size: number;
  readonly identity: string | null;
  open = true;
  bytesRead = 0;
  readonly #source: ByteSource;

  constructor(bytes: Uint8Array, identity: string | null) {
    this.#source = new BufferSource(bytes);
    this.size = bytes.length;
    this.identity = identity;
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!this.open) throw new Error('read after close');
    const bytes = this.#source.bytes(offset, length);
    this.bytesRead += bytes.length;
    return bytes;
  }
}

function walk(file: CountingFile, cache: ImageCache): number {
  const unwinder = elfUnwinder({
    arch,
    mappings: [
      mapping({ start: IMAGE, end: IMAGE + CODE_SIZE, name: '/bin/it' }),
      mapping({ start: STACK, end: STACK + 0x1000, prot: 3 }),
    ],
    memory: new BufferMemory(STACK, wordsOf(arch, [IMAGE + 0x1050])),
    files: { file: ({ name }) => (name === '/bin/it' ? file : null) },
    naming: namesOf(functions),
    cache,
  });
  unwinder.walk(registerFile(arch, { rip: IMAGE + 0x1310, rsp: STACK }));
  cache.release();
  file.open = false;
  return unwinder.frames.count;
}

describe('ImageCache', () => {
  const bytes = buildImage(arch, functions);

  it('keeps what was compiled of a file that can be known again', () => {
    const cache = new ImageCache();
    const first = new CountingFile(bytes, '1:2:3');
    const second = new CountingFile(bytes, '1:2:3');
    expect([walk(first, cache), walk(second, cache)]).toEqual([2, 2]);
    expect([cache.hits, cache.misses]).toEqual([1, 1]);
    expect(second.bytesRead).toBeLessThan(first.bytesRead);
  });

  it('keeps nothing of a file that cannot, nor mixes two up', () => {
    for (const identities of [
      [null, null],
      ['1:2:3', '1:2:4'],
    ] as const) {
      const cache = new ImageCache();
      for (const identity of identities) expect(walk(new CountingFile(bytes, identity), cache)).toBe(2);
      expect(cache.hits).toBe(0);
    }
  });

  it('does not use an image whose file has changed under its identity', () => {
    const cache = new ImageCache();
    walk(new CountingFile(bytes, '1:2:3'), cache);
    const other = new Uint8Array([...bytes, 0]);
    expect(walk(new CountingFile(other, '1:2:3'), cache)).toBe(2);
    expect(cache.hits).toBe(0);
  });

  it('forgets the least recently used beyond its limits', () => {
    const cache = new ImageCache(2);
    for (const identity of ['a', 'b', 'a', 'c']) walk(new CountingFile(bytes, identity), cache);
    const hits = (identity: string): number => {
      const before = cache.hits;
      walk(new CountingFile(bytes, identity), cache);
      return cache.hits - before;
    };
    expect([hits('c'), hits('a'), hits('b')]).toEqual([1, 1, 0]);
    const small = new ImageCache(100, 1);
    walk(new CountingFile(bytes, 'a'), small);
    walk(new CountingFile(bytes, 'a'), small);
    expect([small.hits, small.byteLength]).toEqual([0, 0]);
  });
});
