import { describe, expect, test } from 'vitest';
import { BufferMemory } from '../../src/bytes/memory.js';
import { dsoDebugSection, findDsoDebug } from '../../src/coredump/dso-debug.js';
import { Platform, ProcessorArchitecture } from '../../src/minidump/format/system.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { MinidumpWriter } from '../../src/minidump/writer/writer.js';

const BASE = 0x555500000000;

/** Program headers at 64, .dynamic at 512, r_debug at 1024, link maps from 1280, names from 2048; loaded at `base`. */
function image(wordSize: 4 | 8, base: number): Buffer {
  const bytes = Buffer.alloc(4096);
  const word = (at: number, value: number) =>
    wordSize === 8 ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeUInt32LE(value, at);
  const header = (index: number, type: number, vaddr: number, size: number) => {
    const at = 64 + index * (wordSize === 8 ? 56 : 32);
    bytes.writeUInt32LE(type, at);
    word(at + (wordSize === 8 ? 16 : 8), vaddr);
    word(at + (wordSize === 8 ? 40 : 20), size);
  };
  header(0, 6, 64, 168);
  header(1, 1, 0, 4096);
  header(2, 2, 512, 6 * wordSize);
  word(512, 1);
  word(512 + wordSize, 77);
  word(512 + 2 * wordSize, 21);
  word(512 + 3 * wordSize, base + 1024);
  bytes.writeUInt32LE(1, 1024);
  word(1024 + wordSize, base + 1280);
  word(1024 + 2 * wordSize, base + 0x99);
  word(1024 + 4 * wordSize, base + 0x1000000);
  const names = ['', '/lib/libc.so.6', '/lib64/ld.so'];
  names.forEach((name, i) => {
    const at = 1280 + i * 4 * wordSize;
    word(at, base + i * 0x1000);
    word(at + wordSize, base + 2048 + i * 64);
    word(at + 2 * wordSize, base + 0x3000 + i);
    word(at + 3 * wordSize, i + 1 < names.length ? at + base + 4 * wordSize : 0);
    bytes.write(name, 2048 + i * 64);
  });
  return bytes;
}

const auxv = (base: number) => [
  { type: 3, value: BigInt(base + 64) },
  { type: 5, value: 3n },
];

describe('dso_debug', () => {
  test.each([
    [8, BASE, ProcessorArchitecture.amd64],
    [4, 0x56550000, ProcessorArchitecture.x86],
  ] as const)('%i-byte words: found, written, read back', (wordSize, base, architecture) => {
    const found = findDsoDebug(new BufferMemory(base, image(wordSize, base)), auxv(base), wordSize)!;
    expect(found).toMatchObject({ version: 1, brk: base + 0x99, loaderBase: base + 0x1000000, dynamic: base + 512 });
    expect(found.linkMap.map(({ name }) => name)).toEqual(['', '/lib/libc.so.6', '/lib64/ld.so']);
    const writer = new MinidumpWriter(0);
    writer.setSystem({ architecture, cpuCount: 1, platform: Platform.linux, osText: '' });
    writer.addSection(dsoDebugSection(found, wordSize));
    const dump = Minidump.open(Buffer.concat(writer.finish()));
    const { whole, ...written } = found;
    expect(whole).toBe(true);
    expect(dump.dsoDebug).toEqual({ ...written, dynamicSection: Buffer.from(found.dynamicSection) });
    expect(dump.problems).toEqual([]);
  });

  test('a list without end is cut', () => {
    const bytes = image(8, BASE);
    bytes.writeBigUInt64LE(BigInt(BASE + 1280), 1280 + 24);
    expect(findDsoDebug(new BufferMemory(BASE, bytes), auxv(BASE), 8)!.linkMap).toHaveLength(4096);
  });

  test('whatever the memory holds, nothing is thrown', () => {
    const bytes = image(8, BASE);
    for (let length = 0; length < bytes.length; length += 8) {
      findDsoDebug(new BufferMemory(BASE, bytes.subarray(0, length)), auxv(BASE), 8);
    }
    for (let at = 64; at < 1280; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = 0xff;
      findDsoDebug(new BufferMemory(BASE, changed), auxv(BASE), 8);
    }
    expect(findDsoDebug(new BufferMemory(BASE, bytes), [], 8)).toBeNull();
    expect(findDsoDebug(new BufferMemory(BASE, bytes.subarray(0, 600)), auxv(BASE), 8)).toBeNull();
  });
});
