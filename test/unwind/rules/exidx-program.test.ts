import { describe, expect, it } from 'vitest';
import {
  EXIDX_ADD as ADD,
  compileExidx,
  EXIDX_POP as POP,
  prel31,
  readExidxEntry,
  EXIDX_SET as SET,
} from '../../../src/unwind/rules/exidx-program.js';

const hex = (text: string): Uint8Array => Uint8Array.from(text.split(' ').map((byte) => Number.parseInt(byte, 16)));
/** A mask of registers: mask(4, 14) is r4 and lr. */
const mask = (...registers: number[]): number => registers.reduce((all, register) => all | (1 << register), 0);

describe('compileExidx: EHABI table 4, row by row', () => {
  const rows: [bytes: string, rules: number[] | string][] = [
    // vsp += (xxxxxx << 2) + 4
    ['00', [ADD, 4]],
    ['01', [ADD, 8]],
    ['3f', [ADD, 0x100]],
    // vsp -= (xxxxxx << 2) + 4
    ['40', [ADD, -4]],
    ['7f', [ADD, -0x100]],
    // r4-r15 under mask
    ['80 00', 'refuse'],
    ['80 01', [POP, mask(4)]],
    ['84 00', [POP, mask(14)]],
    ['88 00', [POP, mask(15)]],
    ['82 00', [POP, mask(13)]],
    ['8f ff', [POP, 0xfff0]],
    // vsp = r[nnnn]
    ['90', [SET, 0]],
    ['97', [SET, 7]],
    ['9b', [SET, 11]],
    ['9d', 'reserved'],
    ['9e', [SET, 14]],
    ['9f', 'reserved'],
    // r4-r[4+nnn], with and without lr
    ['a0', [POP, mask(4)]],
    ['a3', [POP, mask(4, 5, 6, 7)]],
    ['a7', [POP, mask(4, 5, 6, 7, 8, 9, 10, 11)]],
    ['a8', [POP, mask(4, 14)]],
    ['af', [POP, mask(4, 5, 6, 7, 8, 9, 10, 11, 14)]],
    ['b0', []],
    ['b0 00', []],
    ['b1 00', 'spare'],
    ['b1 01', [POP, mask(0)]],
    ['b1 0f', [POP, mask(0, 1, 2, 3)]],
    ['b1 10', 'spare'],
    ['b1 ff', 'spare'],
    // vsp += 0x204 + (uleb128 << 2)
    ['b2 00', [ADD, 0x204]],
    ['b2 7f', [ADD, 0x204 + 0x1fc]],
    ['b2 81 01', [ADD, 0x204 + (0x81 << 2)]],
    ['b2 80 80 80 00', [ADD, 0x204]],
    // VFP by FSTMFDX: a format word besides
    ['b3 00', [ADD, 12]],
    ['b3 8f', [ADD, 16 * 8 + 4]],
    // return address authentication
    ['b4', [ADD, 4]],
    ['b5', []],
    ['b6', 'spare'],
    ['b7', 'spare'],
    ['b8', [ADD, 12]],
    ['bf', [ADD, 68]],
    // WMMX
    ['c0', [ADD, 8]],
    ['c5', [ADD, 48]],
    ['c6 00', [ADD, 8]],
    ['c6 2f', [ADD, 128]],
    ['c7 00', 'spare'],
    ['c7 01', [ADD, 4]],
    ['c7 0f', [ADD, 16]],
    ['c7 10', 'spare'],
    // VPUSH
    ['c8 00', [ADD, 8]],
    ['c8 0f', [ADD, 128]],
    ['c9 00', [ADD, 8]],
    ['c9 83', [ADD, 32]],
    ['d0', [ADD, 8]],
    ['d7', [ADD, 64]],
  ];
  it.each(rows)('%s', (bytes, rules) => expect(compileExidx(hex(bytes))).toEqual(rules));

  it('refuses every spare one-byte opcode', () => {
    for (const op of [0xb6, 0xb7, ...range(0xca, 0xcf), ...range(0xd8, 0xff)]) {
      expect(compileExidx(Uint8Array.of(op, 0x01)), op.toString(16)).toBe('spare');
    }
  });

  it.each(['80', '8f', 'b1', 'b2', 'b2 80', 'b2 ff ff ff ff ff', 'b3', 'c6', 'c7', 'c8', 'c9'])(
    '%s ends inside an instruction',
    (bytes) => expect(compileExidx(hex(bytes))).toBe('truncated'),
  );

  it('keeps the order and folds neighbouring additions', () => {
    expect(compileExidx(hex('9b 41 84 80 b0 b0'))).toEqual([SET, 11, ADD, -8, POP, mask(11, 14)]);
    expect(compileExidx(hex('3f 3f 01 a8'))).toEqual([ADD, 0x208, POP, mask(4, 14)]);
    expect(compileExidx(hex('97 a8 02 b1 0f'))).toEqual([SET, 7, POP, mask(4, 14), ADD, 12, POP, mask(0, 1, 2, 3)]);
  });

  it('answers for every two-byte input', () => {
    const odd: string[] = [];
    for (let op = 0; op < 0x10000; op++) {
      const program = compileExidx(Uint8Array.of(op >>> 8, op));
      if (typeof program !== 'string' && program.length % 2 !== 0) odd.push(op.toString(16));
    }
    expect(odd).toEqual([]);
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('readExidxEntry: where the instructions lie', () => {
  const at = 0x1000;
  /** .ARM.extab at 0x2000, and a second word of the entry that points there. */
  const toTable = (0x2000 - at) >>> 0;
  const table = (...words: number[]) => {
    return (address: number) => words[(address - 0x2000) / 4] ?? -1;
  };
  const nothing = () => -1;

  it('cannot unwind', () => expect(readExidxEntry(at, 1, nothing)).toBe('cantunwind'));
  it('inline, personality 0', () => expect(readExidxEntry(at, 0x80a8b0b0, nothing)).toEqual([POP, mask(4, 14)]));
  it('inline without a finish', () => expect(readExidxEntry(at, 0x80010203, nothing)).toEqual([ADD, 8 + 12 + 16]));
  it.each([0x81a8b0b0, 0x82a8b0b0, 0x8fa8b0b0])('inline, another personality: %d', (word) =>
    expect(readExidxEntry(at, word, nothing)).toBe('personality'),
  );
  it('personality 0 in the table: three bytes, no more words', () =>
    expect(readExidxEntry(at, toTable, table(0x80a8b0b0, 0x01010101))).toEqual([POP, mask(4, 14)]));
  it.each([0x81, 0x82])('personality %d in the table: count, two bytes, then words', (top) => {
    // Count 2 in byte 2; the byte of the count is not an instruction.
    const words = [((top << 24) | (2 << 16) | 0x0203) >>> 0, 0x04050607, 0xb0b0b0b0];
    expect(readExidxEntry(at, toTable, table(...words))).toEqual([ADD, 12 + 16 + 20 + 24 + 28 + 32]);
  });
  it('personality 3 and others', () => {
    for (let i = 3; i < 16; i++) {
      expect(readExidxEntry(at, toTable, table((0x80000000 | (i << 24)) >>> 0))).toBe('personality');
    }
  });
  it('generic: a personality routine, count, three bytes, words', () => {
    expect(readExidxEntry(at, toTable, table(0x7fff0000, 0x00a8b0b0))).toEqual([POP, mask(4, 14)]);
    expect(readExidxEntry(at, toTable, table(0x7fff0000, 0x01000000, 0x97a8b0b0))).toEqual([
      ADD,
      12,
      SET,
      7,
      POP,
      mask(4, 14),
    ]);
  });
  it('reads up to 255 more words', () => {
    const words = [0x81ff0000, ...Array.from({ length: 255 }, () => 0)];
    expect(readExidxEntry(at, toTable, table(...words))).toEqual([ADD, 4 * (2 + 255 * 4)]);
    expect(readExidxEntry(at, toTable, table(...words.slice(0, -1)))).toBe('unreadable');
  });
  it('a table that is not there', () => {
    expect(readExidxEntry(at, toTable, nothing)).toBe('unreadable');
    expect(readExidxEntry(at, toTable, table(0x7fff0000))).toBe('unreadable');
    expect(readExidxEntry(at, toTable, table(0x81010000))).toBe('unreadable');
  });
  it('follows an offset backwards', () => {
    expect(prel31(0x1000, 0x7fff_fffc)).toBe(0xffc);
    expect(prel31(0x1000, 0x3fff_ffff)).toBe(0x4000_0fff);
    expect(prel31(0x10, 0x7fff_ff00)).toBe(0xffff_ff10);
  });
});
