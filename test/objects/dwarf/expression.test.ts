import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { WordMemory } from '../../../src/bytes/word-memory.js';
import { Cursor } from '../../../src/objects/dwarf/cursor.js';
import { DwarfError } from '../../../src/objects/dwarf/dwarf-error.js';
import { evaluate } from '../../../src/objects/dwarf/expression.js';
import { RegisterMap } from '../../../src/objects/dwarf/register-map.js';
import { le, sleb } from './frame-builder.js';

/** Memory from 0x1000: 0x00, 0x01, 0x02, ... */
const memory = new WordMemory(
  new BufferMemory(
    0x1000,
    new Uint8Array(64).map((_, i) => i),
  ),
);

/** The value of an expression as hex, or what is wrong with it. Registers hold 0x1000 times their index. */
function run(
  bytes: readonly number[],
  { initial = null as bigint | null, arch: name = 'x86_64' as ArchName } = {},
): string {
  const arch = byName(name);
  const words = new Uint32Array(2 * arch.registers.length).map((_, i) => (i % 2 === 0 ? 0x800 * i : 0));
  const context = { wordSize: arch.wordSize, registers: new RegisterMap(arch), words, memory, isKnown: () => true };
  const result = evaluate(new Cursor(Uint8Array.from(bytes)), 0, bytes.length, context, initial);
  return result instanceof DwarfError ? result.message : `${result.value.toString(16)}${result.dexPc ? ' dex' : ''}`;
}

const ONES = 'f'.repeat(16);
const lit = (n: number): number => 0x30 + n;
const NEGATIVE_ONE = [0x09, 0xff];

describe('expression operations', () => {
  it.each<[string, number[], string]>([
    ['addr', [0x03, ...le(8, 0x1234)], '1234'],
    ['const1u', [0x08, 0xff], 'ff'],
    ['const1s', [0x09, 0xff], ONES],
    ['const2u', [0x0a, 0xff, 0xff], 'ffff'],
    ['const2s', [0x0b, 0xfe, 0xff], `${'f'.repeat(15)}e`],
    ['const4u', [0x0c, ...le(4, -1)], 'ffffffff'],
    ['const4s', [0x0d, ...le(4, -1)], ONES],
    ['const8u', [0x0e, 1, 2, 3, 4, 5, 6, 7, 8], '807060504030201'],
    ['const8s', [0x0f, ...le(8, -1)], ONES],
    ['constu', [0x10, 0x80, 0x01], '80'],
    ['constu of 64 bits', [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], ONES],
    ['consts', [0x11, 0x7f], ONES],
    ['lit0', [lit(0)], '0'],
    ['lit31', [lit(31)], '1f'],
    ['breg0', [0x70, 8], '8'],
    ['breg7', [0x77, ...sleb(-8)], '6ff8'],
    ['bregx', [0x92, 6, 0x10], '6010'],
    ['dup, plus', [lit(3), 0x12, 0x22], '6'],
    ['drop', [lit(3), lit(4), 0x13], '3'],
    ['over', [lit(3), lit(4), 0x14], '3'],
    ['pick', [lit(1), lit(2), lit(3), 0x15, 2], '1'],
    ['swap, minus', [lit(3), lit(4), 0x16, 0x1c], '1'],
    ['rot', [lit(1), lit(2), lit(3), 0x17], '2'],
    ['rot twice', [lit(1), lit(2), lit(3), 0x17, 0x17], '1'],
    ['abs', [...NEGATIVE_ONE, 0x19], '1'],
    ['and', [lit(12), lit(10), 0x1a], '8'],
    ['div', [lit(7), lit(2), 0x1b], '3'],
    ['div is signed', [...NEGATIVE_ONE, ...NEGATIVE_ONE, 0x1b], '1'],
    ['minus', [lit(2), lit(3), 0x1c], ONES],
    ['mod', [lit(7), lit(4), 0x1d], '3'],
    ['mul', [lit(7), lit(6), 0x1e], '2a'],
    ['mul wraps', [...NEGATIVE_ONE, lit(2), 0x1e], `${'f'.repeat(15)}e`],
    ['neg', [lit(1), 0x1f], ONES],
    ['not', [lit(0), 0x20], ONES],
    ['or', [lit(12), lit(10), 0x21], 'e'],
    ['plus wraps', [...NEGATIVE_ONE, lit(2), 0x22], '1'],
    ['plus_uconst', [lit(1), 0x23, 0x80, 0x01], '81'],
    ['shl', [lit(1), lit(4), 0x24], '10'],
    ['shl by too much', [lit(1), 0x08, 64, 0x24], '0'],
    ['shr', [...NEGATIVE_ONE, 0x08, 60, 0x25], 'f'],
    ['shra', [...NEGATIVE_ONE, lit(4), 0x26], ONES],
    ['shra by too much', [...NEGATIVE_ONE, 0x08, 200, 0x26], ONES],
    ['xor', [lit(12), lit(10), 0x27], '6'],
    ['eq', [lit(3), lit(3), 0x29], '1'],
    ['ge', [lit(3), lit(4), 0x2a], '0'],
    ['gt is signed', [lit(0), ...NEGATIVE_ONE, 0x2b], '1'],
    ['le', [lit(3), lit(4), 0x2c], '1'],
    ['lt', [lit(3), lit(3), 0x2d], '0'],
    ['ne', [lit(3), lit(4), 0x2e], '1'],
    ['skip', [lit(1), 0x2f, 1, 0, lit(2), lit(3)], '3'],
    ['bra taken', [lit(5), lit(1), 0x28, 1, 0, lit(2)], '5'],
    ['bra not taken', [lit(5), lit(0), 0x28, 1, 0, lit(2)], '2'],
    ['deref', [0x0a, 0x08, 0x10, 0x06], 'f0e0d0c0b0a0908'],
    ['deref_size', [0x0a, 0x01, 0x10, 0x94, 2], '201'],
    ['nop', [lit(1), 0x96], '1'],
    ['stack_value ends it', [lit(1), 0x9f, lit(2)], '1'],
    ['the mark of a dex pc', [0x0c, 0x44, 0x45, 0x58, 0x31, 0x13, 0x70, 0], '0 dex'],
  ])('%s', (_, bytes, value) => {
    expect(run(bytes)).toBe(value);
  });

  it('wrap at the word of a 32-bit CPU', () => {
    expect(run([0x08, 0xff, lit(31), 0x24], { arch: 'x86' })).toBe('80000000');
    expect(run([lit(2), lit(3), 0x1c], { arch: 'arm' })).toBe('ffffffff');
    expect(run([0x0a, 0x08, 0x10, 0x06], { arch: 'x86' })).toBe('b0a0908');
  });

  it('start with the CFA on the stack where they may', () => {
    expect(run([0x23, 8], { initial: 0x100n })).toBe('108');
    expect(run([0x23, 8])).toMatch(/empty stack/);
  });

  it('decide in a PLT stub', () => {
    // rsp + 8 + ((rip & 15) >= 11) << 3, as linkers write it for x86_64
    const plt = (rip: number): number[] => [0x77, 8, 0x80, rip, lit(15), 0x1a, lit(11), 0x2a, lit(3), 0x24, 0x22];
    expect([run(plt(10)), run(plt(11))]).toEqual(['7008', '7010']);
  });
});

describe('expressions that are refused', () => {
  it.each<[string, number[], RegExp]>([
    ['no operation', [], /leaves nothing/],
    ['an empty stack', [0x22], /empty stack/],
    ['an operand that is cut off', [0x0c, 1], /cut off/],
    ['a number without end', [0x10, ...new Array<number>(12).fill(0xff)], /cut off/],
    ['a division by zero', [lit(1), lit(0), 0x1b], /division by zero/],
    ['a remainder by zero', [lit(1), lit(0), 0x1d], /division by zero/],
    ['a register that is not kept', [0x92, 0x80, 0x02, 0], /register 256/],
    ['a register as location', [0x50], /not usable/],
    ['the frame base', [0x91, 0], /not usable/],
    ['a CFA in its own rule', [0x9c], /not usable/],
    ['a piece', [lit(0), 0x93, 8], /not usable/],
    ['no memory', [lit(0), 0x06], /no memory at 0x0/],
    ['no address', [...NEGATIVE_ONE, 0x06], /no memory at 0xffff/],
    ['a load of no size', [lit(0), 0x94, 0], /0 bytes/],
    ['a load larger than a word', [lit(0), 0x94, 9], /9 bytes/],
    ['a branch before its start', [0x2f, 0xf0, 0xff], /branch out/],
    ['a branch behind its end', [0x2f, 5, 0], /branch out/],
    ['a loop without end', [0x2f, 0xfd, 0xff], /too many operations/],
    ['a stack without end', [lit(0), 0x2f, 0xfc, 0xff], /stack too deep/],
  ])('%s', (_, bytes, message) => {
    expect(run(bytes)).toMatch(message);
  });
});
