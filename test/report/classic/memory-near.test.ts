import { describe, expect, it } from 'vitest';
import { BufferMemory, type Memory } from '../../../src/bytes/memory.js';
import { memoryLines, memorySectionLines } from '../../../src/report/classic/memory-near.js';
import { arm, arm64, memories, NO_MEMORY, registers, report, thread, x86, x86_64 } from '../build-report.js';

/** Bytes 0, 1, 2, ... */
const counting = (address: number, length: number) =>
  new BufferMemory(
    address,
    Uint8Array.from({ length }, (_, i) => i),
  );
const section = (value: bigint, memory: Memory, arch = x86_64) =>
  memorySectionLines(arch, memory, 'memory near rax:', {
    high: Number(value >> 32n),
    low: Number(value & 0xffffffffn),
  });
/** The 16 lines without the title, parted into address, words, text. */
const parse = (lines: readonly string[]) =>
  lines.slice(2).map((line) => {
    const [, address, words, text] = /^ {4}(\w+) ([-\w ]+?) {2}(.{16})$/.exec(line) ?? [];
    return { address, words: words?.split(' ') ?? [], text };
  });
const words = (lines: readonly string[]) => parse(lines).flatMap((line) => line.words);
const dashes = '-'.repeat(16);
/** The word whose bytes count up from `first`. */
const word = (first: number) =>
  Array.from({ length: 8 }, (_, i) => ((first + 7 - i) & 0xff).toString(16).padStart(2, '0')).join('');

describe('memorySectionLines', () => {
  it('an aligned address: 32 bytes before it, 256 in all', () => {
    const lines = section(0x12345678n, counting(0x12345658, 256));
    expect(lines[0]).toBe('');
    expect(lines[1]).toBe('memory near rax:');
    expect(lines).toHaveLength(18);
    expect(lines[2]).toBe('    0000000012345658 0706050403020100 0f0e0d0c0b0a0908  ................');
    expect(lines[4]).toBe('    0000000012345678 2726252423222120 2f2e2d2c2b2a2928   !"#$%&\'()*+,-./');
    expect(lines[9]).toBe('    00000000123456c8 7776757473727170 7f7e7d7c7b7a7978  pqrstuvwxyz{|}~.');
    expect(lines[17]).toBe('    0000000012345748 f7f6f5f4f3f2f1f0 fffefdfcfbfaf9f8  ................');
  });

  it('an unaligned address is rounded down to a word', () => {
    expect(section(0x1234567fn, counting(0x12345658, 256))).toEqual(section(0x12345678n, counting(0x12345658, 256)));
  });

  it('partly read: the rest is dashes', () => {
    const lines = section(0x10000020n, counting(0x10000000, 96));
    expect(words(lines).slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, i) => word(8 * i)));
    expect(words(lines).slice(12)).toEqual(Array(20).fill(dashes));
    expect(lines[8]).toBe(`    0000000010000060 ${dashes} ${dashes}  ................`);
  });

  it('nothing readable: the section is there, all dashes', () => {
    const lines = section(0xa2345678n, NO_MEMORY);
    expect(lines).toHaveLength(18);
    expect(words(lines)).toEqual(Array(32).fill(dashes));
    expect(parse(lines).every((line) => line.text === '................')).toBe(true);
  });

  it('a read that stops inside a word loses that word', () => {
    const lines = section(0x10000020n, counting(0x10000000, 103));
    expect(words(lines)[11]).toBe(word(88));
    expect(words(lines)[12]).toBe(dashes);
  });

  it('two mappings side by side: a second read joins them', () => {
    const memory = memories(counting(0x10000000, 128), counting(0x10000080, 128));
    expect(words(section(0x10000020n, memory))).toEqual([
      ...Array.from({ length: 16 }, (_, i) => word(8 * i)),
      ...Array.from({ length: 16 }, (_, i) => word(8 * i)),
    ]);
  });

  it('the second read may stop as well: there is no third', () => {
    const memory = memories(counting(0x10000000, 64), counting(0x10000040, 64), counting(0x10000080, 128));
    const text = words(section(0x10000020n, memory));
    expect(text.slice(0, 16).includes(dashes)).toBe(false);
    expect(text.slice(16)).toEqual(Array(16).fill(dashes));
  });

  it('below the fence there is no section; at 4096 it starts at the address itself', () => {
    expect(section(0xfffn, counting(0xfe0, 256))).toEqual([]);
    expect(section(0n, counting(0, 256))).toEqual([]);
    expect(parse(section(0x1000n, counting(0x1000, 256)))[0]?.address).toBe('0000000000001000');
    expect(parse(section(0x101fn, counting(0x1000, 256)))[0]?.address).toBe('0000000000001018');
    expect(parse(section(0x1020n, counting(0x1000, 256)))[0]?.address).toBe('0000000000001000');
  });

  it('too high: no section; nearly too high: one', () => {
    expect(section(0x4000000000000000n - 256n + 32n + 8n, NO_MEMORY)).toEqual([]);
    expect(section(0xffffffffffffffffn, NO_MEMORY)).toEqual([]);
    const lines = parse(section(0x4000000000000000n - 256n + 32n, NO_MEMORY));
    expect(lines[0]?.address).toBe('3fffffffffffff00');
    expect(lines[15]?.address).toBe('3ffffffffffffff0');
  });

  it('32-bit: its own ceiling, 8 digits, 4 words a line', () => {
    expect(section(0xffff0000n - 256n + 32n + 4n, NO_MEMORY, x86)).toEqual([]);
    expect(parse(section(0xffff0000n - 256n + 32n, NO_MEMORY, x86))[0]?.address).toBe('fffeff00');
    expect(section(0x10000020n, counting(0x10000000, 256), x86)[4]).toBe(
      '    10000020 23222120 27262524 2b2a2928 2f2e2d2c   !"#$%&\'()*+,-./',
    );
  });

  it('the address column carries into its upper half', () => {
    const lines = parse(section(0x1_0000_0010n, NO_MEMORY));
    expect(lines[0]?.address).toBe('00000000fffffff0');
    expect(lines[1]?.address).toBe('0000000100000000');
  });

  describe('when the first read is empty', () => {
    it('the page that begins inside the section is read', () => {
      const text = words(section(0x10001020n - 128n, counting(0x10001000, 256)));
      expect(text.slice(0, 16)).toEqual(Array(16).fill(dashes));
      expect(text.slice(16)).toEqual(Array.from({ length: 16 }, (_, i) => word(8 * i)));
    });

    it('that read may stop early', () => {
      const text = words(section(0x10001020n - 128n, counting(0x10001000, 24)));
      expect(text.slice(16, 19)).toEqual([word(0), word(8), word(16)]);
      expect(text.slice(19)).toEqual(Array(13).fill(dashes));
    });

    it('a page that begins right behind the section is not', () => {
      expect(words(section(0x10001020n - 256n, counting(0x10001000, 256)))).toEqual(Array(32).fill(dashes));
    });

    it('a section that begins at a page is not read again', () => {
      let reads = 0;
      section(0x10001020n, {
        read: () => {
          reads++;
          return 0;
        },
      });
      expect(reads).toBe(1);
    });
  });
});

describe('memoryLines', () => {
  const titles = (arch: typeof x86_64, values: Record<string, bigint> = {}) => {
    const file = registers(arch, values, (index) => 0x10000n + BigInt(index) * 0x1000n);
    return memoryLines(report({ arch }), thread({ registers: file })).filter((line) => line.endsWith(':'));
  };

  it('x86_64 shows six registers and the code', () => {
    expect(titles(x86_64)).toEqual([
      'memory near rax:',
      'memory near rbx:',
      'memory near rcx:',
      'memory near rdx:',
      'memory near rsi:',
      'memory near rdi:',
      'code around rip:',
    ]);
  });

  it('x86', () => {
    expect(titles(x86)).toEqual(
      'eax ebx ecx edx esi edi'
        .split(' ')
        .map((name) => `memory near ${name}:`)
        .concat('code around eip:'),
    );
  });

  it('arm shows the code around lr unless it is pc', () => {
    const near = 'r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 sl fp ip sp'.split(' ').map((name) => `memory near ${name}:`);
    expect(titles(arm)).toEqual([...near, 'code around pc:', 'code around lr:']);
    expect(titles(arm, { pc: 0x5000n, lr: 0x5000n })).toEqual([...near, 'code around pc:']);
  });

  it('arm64 shows x0 to x30 and the code around pc and sp', () => {
    const near = Array.from({ length: 31 }, (_, i) => `memory near x${i}:`);
    expect(titles(arm64)).toEqual([...near, 'code around pc:', 'code around sp:']);
    expect(titles(arm64, { pc: 0x5000n, sp: 0x5000n })).toEqual([...near, 'code around pc:']);
  });

  it('leaves out registers that hold no address', () => {
    expect(titles(x86_64, { rax: 0n, rbx: 1n, rcx: 0xffffffffffffffffn })).toEqual([
      'memory near rdx:',
      'memory near rsi:',
      'memory near rdi:',
      'code around rip:',
    ]);
  });

  it('shows nothing for a thread without registers', () => {
    expect(memoryLines(report(), thread())).toEqual([]);
  });
});
