import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { FdSource } from '../../../src/platform/fd-source.js';
import { buildIdInMemory, JobModules } from '../../../src/report/from-dump/modules.js';
import type { SoftError } from '../../../src/report/model/report.js';
import { id, tinyElf } from '../../engraver/build-elf.js';

const mapping = (values: object = {}) => ({
  start: 0x10000,
  end: 0x11000,
  prot: 5,
  offset: 0,
  name: '/lib/a.so',
  device: 'fd:01',
  inode: 7,
  ...values,
});

describe('JobModules', () => {
  const memory = new BufferMemory(0x10000, tinyElf(id(1)));
  const file = (bytes: Buffer, values: object = {}) => ({
    device: 'fd:01',
    inode: 7,
    source: new BufferSource(bytes),
    ...values,
  });
  const find = (files: ReturnType<typeof file>[], asked = mapping(), mappings = [mapping()]) => {
    const softErrors: SoftError[] = [];
    const modules = new JobModules(files, mappings, memory, softErrors);
    return { found: modules.file(asked), again: modules.file(asked), softErrors };
  };

  it('gives the file of the device and inode, the same object each time', () => {
    const given = file(tinyElf(id(1)));
    const { found, again, softErrors } = find([given]);
    expect(found).toBe(given.source);
    expect(again).toBe(found);
    expect(softErrors).toEqual([]);
  });

  it.each([{ device: 'fd:02' }, { inode: 8 }])('not the file of another place (%j)', (other) => {
    expect(find([file(tinyElf(id(1)), other)]).found).toBeNull();
  });

  it('not a file that was written over since: another build id, none, or no image any more', () => {
    for (const bytes of [tinyElf(id(2)), tinyElf(null), Buffer.alloc(0x1000)]) {
      const { found, softErrors } = find([file(bytes)]);
      expect(found).toBeNull();
      expect(softErrors).toHaveLength(1);
      expect(softErrors[0]?.message).toContain('/lib/a.so');
    }
  });

  it('proves further mappings of the file by its first one', () => {
    const later = mapping({ start: 0x20000, end: 0x21000, offset: 0x1000 });
    expect(find([file(tinyElf(id(2)))], later, [mapping(), later]).found).toBeNull();
    expect(find([file(tinyElf(id(1)))], later, [mapping(), later]).found).not.toBeNull();
  });

  it('takes the file where memory says nothing of its identity', () => {
    const elsewhere = mapping({ start: 0x90000, end: 0x91000 });
    expect(find([file(tinyElf(id(2)))], elsewhere, [elsewhere]).found).not.toBeNull();
  });

  it('gives nothing for anonymous memory', () => {
    expect(find([file(tinyElf(id(1)), { inode: 0 })], mapping({ inode: 0 })).found).toBeNull();
  });
});

describe('buildIdInMemory', () => {
  it('reads the note of an image; null for anything else', () => {
    expect(buildIdInMemory(new BufferMemory(0x10000, tinyElf(id(0xab))), 0x10000, 0x11000)).toBe('ab'.repeat(20));
    expect(buildIdInMemory(new BufferMemory(0x10000, tinyElf(null)), 0x10000, 0x11000)).toBeNull();
    expect(buildIdInMemory(new BufferMemory(0x10000, Buffer.alloc(64)), 0x10000, 0x11000)).toBeNull();
  });

  it('survives an image that is cut at any byte', () => {
    const whole = tinyElf(id(1));
    for (let length = 0; length < 0x130; length++) {
      const found = buildIdInMemory(new BufferMemory(0x10000, whole.subarray(0, length)), 0x10000, 0x11000);
      expect(found === null || length >= 0x124).toBe(true);
    }
  });
});

describe('files behind descriptors', () => {
  let dir = '';
  const open: number[] = [];
  const openFile = (name: string) => {
    const fd = openSync(join(dir, name), 'r');
    open.push(fd);
    return fd;
  };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'engraver-modules-'));
    writeFileSync(
      join(dir, 'a'),
      Uint8Array.from({ length: 100_000 }, (_, i) => i % 251),
    );
    writeFileSync(join(dir, 'b'), 'b');
  });
  afterAll(() => {
    for (const fd of open) closeSync(fd);
    rmSync(dir, { recursive: true });
  });

  it('reads inside, across and beyond blocks as the file has it', () => {
    const source = FdSource.of(openFile('a'))!;
    for (const [offset, length, got] of [
      [0, 1, 1],
      [16_383, 2, 2],
      [5, 90_000, 90_000],
      [99_999, 10, 1],
      [100_000, 1, 0],
      [-1, 1, 0],
      [0.5, 1, 0],
      [0, 0, 0],
    ] as const) {
      const bytes = source.bytes(offset, length);
      expect(bytes).toHaveLength(got);
      expect(bytes.every((byte, i) => byte === (offset + i) % 251)).toBe(true);
    }
  });

  it('a file that shrank reads short', () => {
    writeFileSync(join(dir, 'c'), Buffer.alloc(5000, 1));
    const source = FdSource.of(openFile('c'));
    truncateSync(join(dir, 'c'), 100);
    expect(source?.bytes(0, 5000)).toHaveLength(100);
  });

  it('a file is known again by another descriptor, and not once it was changed', () => {
    const identity = (name: string) => FdSource.of(openFile(name))?.identity;
    const first = identity('a');
    expect(first).toBeTypeOf('string');
    expect(identity('a')).toBe(first);
    expect(identity('b')).not.toBe(first);
    utimesSync(join(dir, 'a'), 1, 1);
    expect(identity('a')).not.toBe(first);
  });

  it('takes regular files only', () => {
    const fd = openSync('/dev/null', 'r');
    open.push(fd);
    expect(FdSource.of(fd)).toBeNull();
    expect(FdSource.of(99_999)).toBeNull();
  });
});
