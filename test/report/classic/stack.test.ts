import { describe, expect, it } from 'vitest';
import { stackLines } from '../../../src/report/classic/stack.js';
import { frame, map, memories, report, thread, words, x86 } from '../build-report.js';

const JUMP = '         ........  ........';
/** Words 0, 1, 2, ... from an address. */
const counting = (address: number, count: number) =>
  words(address, ...Array.from({ length: count }, (_, i) => BigInt(i)));
const lines = (frames: ReturnType<typeof frame>[], values: Parameters<typeof report>[0]) =>
  stackLines(report(values), thread({ frames }));

describe('stackLines', () => {
  it('shows 16 words before the first frame, then each frame under its number', () => {
    const text = lines([frame({ sp: 0x1080 }), frame({ sp: 0x1090 })], { memory: counting(0x1000, 36) });
    expect(text.slice(0, 4)).toEqual([
      '',
      'stack:',
      '         0000000000001000  0000000000000000',
      '         0000000000001008  0000000000000001',
    ]);
    expect(text.slice(17)).toEqual([
      '         0000000000001078  000000000000000f',
      '    #00  0000000000001080  0000000000000010',
      '         0000000000001088  0000000000000011',
      '    #01  0000000000001090  0000000000000012',
      ...Array.from(
        { length: 15 },
        (_, i) =>
          `         ${(0x1098 + 8 * i).toString(16).padStart(16, '0')}  ${(0x13 + i).toString(16).padStart(16, '0')}`,
      ),
    ]);
  });

  it('jumps over the rest of a frame of more than 16 words', () => {
    const text = lines([frame({ sp: 0x1080 }), frame({ sp: 0x1080 + 17 * 8 })], { memory: counting(0x1000, 64) });
    const jump = text.indexOf(JUMP);
    expect(text[jump - 1]).toContain('0000000000001080'.replace('1080', '10f8'));
    expect(text[jump + 1]).toBe('    #01  0000000000001108  0000000000000021');
    expect(text.filter((line) => line === JUMP)).toHaveLength(1);
  });

  it('prints one word of a frame without size, and repeats its address under the next number', () => {
    const text = lines([frame({ sp: 0x1080 }), frame({ sp: 0x1080 })], { memory: counting(0x1000, 40) });
    const zero = text.indexOf('    #00  0000000000001080  0000000000000010');
    expect(text.slice(zero + 1, zero + 3)).toEqual([JUMP, '    #01  0000000000001080  0000000000000010']);
  });

  it('prints 16 words where the next frame is on a lower stack', () => {
    const memory = memories(counting(0x1000, 40), counting(0x9000, 40));
    const text = lines([frame({ sp: 0x9080 }), frame({ sp: 0x1080 })], { memory });
    expect(text.indexOf(JUMP)).toBe(2 + 16 + 16);
    expect(text[2 + 16 + 16 + 1]).toBe('    #01  0000000000001080  0000000000000010');
  });

  it('prints the words that were copied, no more', () => {
    const text = lines([frame({ sp: 0x1080 }), frame({ sp: 0x8000 })], { memory: counting(0x1080, 3) });
    expect(text).toEqual([
      '',
      'stack:',
      JUMP,
      '    #00  0000000000001080  0000000000000000',
      '         0000000000001088  0000000000000001',
      '         0000000000001090  0000000000000002',
      JUMP,
    ]);
  });

  it('names what values point at: mapping, function, offset', () => {
    const memory = words(0x1000, 0x400100n, 0x400200n, 0x7f0000000000n, 0x500000n, 0xffffffffff600000n, 0x400300n);
    const text = lines([frame({ sp: 0x1000 })], {
      memory,
      maps: [
        map({ start: 0x400000, end: 0x401000, name: '/usr/bin/app' }),
        map({ start: 0x500000, end: 0x501000, name: '' }),
        map({ start: 0x7f0000000000, end: 0x7f0000001000, name: '[vdso]' }),
      ],
      functionAt: (address) =>
        address === 0x400100 ? { name: 'main', offset: 12 } : address === 0x400200 ? { name: 'f', offset: 0 } : null,
    });
    expect(text.slice(3)).toEqual([
      '    #00  0000000000001000  0000000000400100  /usr/bin/app (main+12)',
      '         0000000000001008  0000000000400200  /usr/bin/app (f)',
      '         0000000000001010  00007f0000000000  [vdso]',
      '         0000000000001018  0000000000500000',
      '         0000000000001020  ffffffffff600000',
      '         0000000000001028  0000000000400300  /usr/bin/app',
    ]);
  });

  it('has 4-byte words on a 32-bit CPU', () => {
    const text = lines([frame({ sp: 0x1040 })], { arch: x86, memory: words(0x1000, 0x89abcdef01234567n) });
    expect(text.slice(2, 4)).toEqual(['         00001000  01234567', '         00001004  89abcdef']);
  });

  it('skips frames without a stack pointer, keeps their numbers', () => {
    const text = lines([frame({ sp: 0 }), frame({ sp: 0x1000 }), frame({ sp: 0 })], { memory: words(0x1000, 1n) });
    expect(text).toEqual(['', 'stack:', JUMP, '    #01  0000000000001000  0000000000000001']);
    expect(lines([frame({ sp: 0 })], {})).toEqual(['', 'stack:']);
  });

  it('is not there without frames', () => {
    expect(lines([], {})).toEqual([]);
  });
});
