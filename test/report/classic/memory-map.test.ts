import { describe, expect, it } from 'vitest';
import { memoryMapLines } from '../../../src/report/classic/memory-map.js';
import type { MapReport } from '../../../src/report/model/report.js';
import { map, report, signal, x86, x86_64 } from '../build-report.js';

const NO_FAULT = signal({ number: 6, code: -6, faultAddress: null });
const MARKED = ['', 'memory map: (fault address prefixed with --->)'];
const plain = (maps: MapReport[], arch = x86_64) => memoryMapLines(report({ maps, signal: NO_FAULT, arch }));
const faulting = (faultAddress: bigint, maps: MapReport[]) =>
  memoryMapLines(report({ maps, signal: signal({ faultAddress }) }));
const three = [
  map({ start: 0xa434000, end: 0xa435000, offset: 0x1000, perms: 'rwxp', name: '/system/lib/one.so' }),
  map({ start: 0xa534000, end: 0xa535000, offset: 0x3000, perms: '---p', name: '' }),
  map({ start: 0xa634000, end: 0xa635000, offset: 0, perms: 'r--s', name: '/system/lib/three.so' }),
];
const threeLines = [
  "00000000'0a434000-00000000'0a434fff rwx      1000      1000  /system/lib/one.so",
  "00000000'0a534000-00000000'0a534fff ---      3000      1000",
  "00000000'0a634000-00000000'0a634fff r--         0      1000  /system/lib/three.so",
];

describe('memoryMapLines', () => {
  it('a single mapping', () => {
    expect(plain([three[1]!])).toEqual(['', 'memory map:', `    ${threeLines[1]}`]);
  });

  it('several mappings', () => {
    expect(plain(three)).toEqual(['', 'memory map:', ...threeLines.map((line) => `    ${line}`)]);
  });

  it('permissions', () => {
    const line = (perms: string) =>
      plain([map({ perms })])[2]
        ?.split(' ')
        .find((part) => /^[-rwx]{3}$/.test(part));
    for (const perms of ['---', 'r--', '-w-', '--x', 'rwx']) expect(line(`${perms}p`)).toBe(perms);
  });

  it('an ELF image shows its build id and load base', () => {
    const elf = map({ buildId: 'abcdef1234567890', loadBias: 0x2000 });
    expect(plain([elf])[2]).toBe(
      "    00000000'00400000-00000000'00401fff r-x         0      2000  /usr/bin/app (BuildId: abcdef1234567890) (load base 0x2000)",
    );
  });

  it('without a build id only the load base', () => {
    expect(plain([map({ loadBias: 0x2000 })])[2]).toBe(
      "    00000000'00400000-00000000'00401fff r-x         0      2000  /usr/bin/app (load base 0x2000)",
    );
  });

  it('a nameless mapping shows no build id, and its load base after one space more', () => {
    expect(plain([map({ name: '', buildId: 'ab', loadBias: 0x10 })])[2]).toBe(
      "    00000000'00400000-00000000'00401fff r-x         0      2000  (load base 0x10)",
    );
  });

  it('fault before the first mapping', () => {
    expect(faulting(0x1000n, three)).toEqual([
      ...MARKED,
      "--->Fault address falls at 00000000'00001000 before any mapped regions",
      ...threeLines.map((line) => `    ${line}`),
    ]);
  });

  it('fault between mappings', () => {
    expect(faulting(0xa533000n, three)).toEqual([
      ...MARKED,
      `    ${threeLines[0]}`,
      "--->Fault address falls at 00000000'0a533000 between mapped regions",
      `    ${threeLines[1]}`,
      `    ${threeLines[2]}`,
    ]);
  });

  it.each([0xa534000n, 0xa534040n, 0xa534fffn])('fault in a mapping (%x)', (fault) => {
    expect(faulting(fault, three)).toEqual([
      ...MARKED,
      `    ${threeLines[0]}`,
      `--->${threeLines[1]}`,
      `    ${threeLines[2]}`,
    ]);
  });

  it('fault after the last mapping, all 64 bits of it', () => {
    expect(faulting(0xf533fffffffffff8n, three)).toEqual([
      ...MARKED,
      ...threeLines.map((line) => `    ${line}`),
      "--->Fault address falls at f533ffff'fffffff8 after any mapped regions",
    ]);
  });

  it('fault without any mapping', () => {
    expect(faulting(0x1000n, [])).toEqual([
      ...MARKED,
      "--->Fault address falls at 00000000'00001000 after any mapped regions",
    ]);
  });

  it('no signal at all', () => {
    expect(memoryMapLines(report({ signal: null }))).toEqual(['', 'memory map:']);
  });

  it('mappings at the top of the address space are exact', () => {
    const vsyscall = map({ start: 0xffffffffff600000, end: 0xffffffffff601000, perms: '--xp', name: '[vsyscall]' });
    const line = "ffffffff'ff600000-ffffffff'ff600fff --x         0      1000  [vsyscall]";
    expect(plain([vsyscall])[2]).toBe(`    ${line}`);
    expect(faulting(0xffffffffff600fffn, [vsyscall])[2]).toBe(`--->${line}`);
    expect(plain([map({ start: 0x100000000, end: 0x200000000, name: '' })])[2]).toBe(
      "    00000001'00000000-00000001'ffffffff r-x         0  100000000",
    );
  });

  it('32-bit addresses have 8 digits', () => {
    expect(plain([map({ start: 0xf7000000, end: 0xf7001000 })], x86)[2]).toBe(
      '    f7000000-f7000fff r-x         0      1000  /usr/bin/app',
    );
  });
});
