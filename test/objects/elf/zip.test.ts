import { describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { storedEntryAt, type ZipEntry } from '../../../src/objects/elf/zip.js';
import { buildZip } from './zip-builder.js';

const library = Buffer.alloc(5000, 'library');
const entries = [
  { name: 'AndroidManifest.xml', bytes: Buffer.alloc(3000, 'manifest'), deflated: true },
  { name: 'lib/arm64-v8a/libfoo.so', bytes: library, align: 4096 },
  { name: 'lib/arm64-v8a/libbär.so', bytes: Buffer.from('another library'), align: 4096 },
  { name: 'empty', bytes: Buffer.alloc(0) },
];
const zip = buildZip(entries);
const first = zip.indexOf(library.subarray(0, 100));
const second = zip.indexOf('another library');

const at = (bytes: Uint8Array, offset: number): ZipEntry | null => storedEntryAt(new BufferSource(bytes), offset);

describe('storedEntryAt', () => {
  it('finds the entry around an offset', () => {
    const foo = { name: 'lib/arm64-v8a/libfoo.so', offset: first, size: 5000 };
    expect(first % 4096).toBe(0);
    expect([at(zip, first - 1), at(zip, first), at(zip, first + 4999), at(zip, first + 5000)]).toEqual([
      null,
      foo,
      foo,
      null,
    ]);
    expect(at(zip, second + 3)).toEqual({ name: 'lib/arm64-v8a/libbär.so', offset: second, size: 15 });
  });

  it('leaves out what is compressed', () => {
    for (let offset = 0; offset < 100; offset++) expect(at(zip, offset)).toBeNull();
  });

  it('reads past a comment, also one that looks like an end', () => {
    const comment = `${'x'.repeat(300)}PK\x05\x06${'\0'.repeat(30)}`;
    expect(at(buildZip(entries, comment), first)?.name).toBe('lib/arm64-v8a/libfoo.so');
  });

  it('is null for other files', () => {
    expect(at(Buffer.alloc(0), 0)).toBeNull();
    expect(at(Buffer.alloc(100), 0)).toBeNull();
    expect(at(library, 0)).toBeNull();
    expect(at(buildZip([]), 0)).toBeNull();
  });

  it('survives any length, and any byte of its tables changed', () => {
    for (let length = 0; length < zip.length; length += length < second ? 97 : 1) {
      expect(at(zip.subarray(0, length), first)).toBeNull();
    }
    for (let i = zip.indexOf('PK\x01\x02'); i < zip.length; i++) {
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(zip);
        changed[i] = value;
        const found = at(changed, first);
        if (found !== null) expect(first - found.offset).toBeLessThan(found.size);
      }
    }
  });
});
