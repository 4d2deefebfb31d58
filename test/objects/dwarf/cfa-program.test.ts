import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { BROKEN_RULE, CfiTable, NO_RULE } from '../../../src/objects/dwarf/cfi-table.js';
import { RegisterMap } from '../../../src/objects/dwarf/register-map.js';
import { describeRule } from '../../../src/unwind/rules/describe-rule.js';
import { type CieSpec, FrameBuilder, le } from './frame-builder.js';

const START = 0x1000;
const SIZE = 0x100;

/** DW_CFA_advance_loc by one unit of the CIE. */
const ADVANCE = 0x41;
/** CFA = rsp + 8, rip at CFA - 8: what every x86_64 CIE begins with. */
const X86_64_CIE = [0x0c, 7, 8, 0x90, 1];

/** The rules of a function with these instructions, one text per address asked. */
function rules(
  instructions: readonly number[],
  cie: CieSpec,
  addresses: readonly number[],
  archName: ArchName = 'x86_64',
): string[] {
  const arch = byName(archName);
  const builder = new FrameBuilder(false);
  const at = builder.cie({ version: 4, addressSize: arch.wordSize, ...cie });
  builder.fde(at, { address: [...le(arch.wordSize, START), ...le(arch.wordSize, SIZE)], instructions });
  const table = new CfiTable(builder.section({ wordSize: arch.wordSize }), new RegisterMap(arch), null);
  return addresses.map((address) => {
    const rule = table.find(START + address);
    return rule === NO_RULE ? 'none' : rule === BROKEN_RULE ? 'broken' : describeRule(table, rule, arch);
  });
}

describe('call frame instructions of x86_64', () => {
  const base = 'CFA=rsp+8 rip=c-8';
  it.each<[string, number[], string]>([
    ['nothing', [], base],
    ['nop', [0x00, 0x00], base],
    ['advance_loc, def_cfa_offset', [ADVANCE, 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['advance_loc1', [0x02, 1, 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['advance_loc2', [0x03, 1, 0, 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['advance_loc4', [0x04, 1, 0, 0, 0, 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['MIPS_advance_loc8', [0x1d, 1, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['set_loc', [0x01, ...le(8, START + 1), 0x0e, 16], 'CFA=rsp+16 rip=c-8'],
    ['offset', [0x86, 2], 'CFA=rsp+8 rbp=c-16 rip=c-8'],
    ['offset_extended', [0x05, 6, 3], 'CFA=rsp+8 rbp=c-24 rip=c-8'],
    ['offset_extended_sf', [0x11, 6, 0x7e], 'CFA=rsp+8 rbp=c+16 rip=c-8'],
    ['GNU_negative_offset_extended', [0x2f, 6, 2], 'CFA=rsp+8 rbp=c+16 rip=c-8'],
    ['val_offset', [0x14, 6, 2], 'CFA=rsp+8 rbp=v(c-16) rip=c-8'],
    ['val_offset_sf', [0x15, 6, 0x7e], 'CFA=rsp+8 rbp=v(c+16) rip=c-8'],
    ['register', [0x09, 6, 3], 'CFA=rsp+8 rbp=rbx rip=c-8'],
    ['undefined', [0x07, 16], 'CFA=rsp+8 rip=u outermost frame'],
    ['same_value', [0x86, 2, 0x08, 6], 'CFA=rsp+8 rbp=s rip=c-8'],
    ['restore', [0x90, 5, 0xd0], base],
    ['restore_extended', [0x90, 5, 0x06, 16], base],
    ['restore of what the CIE does not name', [0x86, 2, 0xc6], base],
    ['def_cfa', [0x0c, 6, 16], 'CFA=rbp+16 rip=c-8'],
    ['def_cfa_sf', [0x12, 6, 0x7e], 'CFA=rbp+16 rip=c-8'],
    ['def_cfa_register', [0x0d, 6], 'CFA=rbp+8 rip=c-8'],
    ['def_cfa_offset_sf', [0x13, 0x7d], 'CFA=rsp+24 rip=c-8'],
    ['def_cfa_expression', [0x0f, 2, 0x77, 0x10], 'CFA=exp(7710) rip=c-8'],
    ['expression', [0x10, 6, 2, 0x76, 0x00], 'CFA=rsp+8 rbp=exp(7600) rip=c-8'],
    ['val_expression', [0x16, 6, 1, 0x30], 'CFA=rsp+8 rbp=vexp(30) rip=c-8'],
    ['remember_state, restore_state', [0x0a, 0x0c, 6, 16, 0x86, 2, 0x0b], base],
    ['restore_state of nothing', [0x0e, 16, 0x0b], 'CFA=rsp+16 rip=c-8'],
    ['GNU_args_size', [0x2e, 0x20], base],
    ['registers that are not kept', [0x91, 2, 0x05, 60, 2, 0x07, 70], base],
    ['a value in a register that is not kept', [0x09, 6, 70], 'CFA=rsp+8 rbp=u rip=c-8'],
  ])('%s', (_, instructions, expected) => {
    expect(rules(instructions, { instructions: X86_64_CIE }, [1])).toEqual([expected]);
  });

  it('apply from their location on', () => {
    // push rbp; mov rbp, rsp; ...; leave; ret
    const instructions = [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x40, 0x0c, 7, 8, 0xc6];
    expect(rules(instructions, { instructions: X86_64_CIE }, [-1, 0, 1, 3, 4, 0x43, 0x44, 0xff, 0x100])).toEqual([
      'none',
      'CFA=rsp+8 rip=c-8',
      'CFA=rsp+16 rbp=c-16 rip=c-8',
      'CFA=rsp+16 rbp=c-16 rip=c-8',
      'CFA=rbp+16 rbp=c-16 rip=c-8',
      'CFA=rbp+16 rbp=c-16 rip=c-8',
      'CFA=rsp+8 rip=c-8',
      'CFA=rsp+8 rip=c-8',
      'none',
    ]);
  });

  it('count locations in the units of the CIE', () => {
    const cie = { instructions: X86_64_CIE, codeAlign: 4 };
    expect(rules([0x42, 0x0e, 16], cie, [7, 8])).toEqual(['CFA=rsp+8 rip=c-8', 'CFA=rsp+16 rip=c-8']);
  });

  it.each<[string, number[]]>([
    ['an unknown instruction', [0x3f]],
    ['an operand that is cut off', [0x0e]],
    ['an expression that is cut off', [0x10, 6, 9, 0x30]],
    ['an expression longer than any section', [0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a CFA in a register that is not kept', [0x0d, 40]],
    ['an offset without a register', [0x0f, 1, 0x30, 0x0e, 16]],
    ['an offset that no stack has', [0x0e, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['a number without end', [0x0e, ...new Array<number>(12).fill(0x80)]],
    ['a location that goes back', [0x01, ...le(8, START - 5)]],
    ['states remembered without end', new Array<number>(100).fill(0x0a)],
  ])('keep the rows before %s, and none from there', (_, broken) => {
    const instructions = [ADVANCE, 0x0e, 16, 0x44, ...broken];
    expect(rules(instructions, { instructions: X86_64_CIE }, [0, 1, 4, 5, 0x80])).toEqual([
      'CFA=rsp+8 rip=c-8',
      'CFA=rsp+16 rip=c-8',
      'CFA=rsp+16 rip=c-8',
      'broken',
      'broken',
    ]);
  });

  it.each<[string, CieSpec]>([
    ['restores', { instructions: [...X86_64_CIE, 0xc6] }],
    ['is cut off', { instructions: [0x0c, 7] }],
    ['defines no CFA', { instructions: [0x90, 1] }],
    ['returns by a register that is not kept', { instructions: X86_64_CIE, returnColumn: 40 }],
  ])('are all broken when the CIE %s', (_, cie) => {
    expect(rules([ADVANCE, 0x0e, 16], cie, [0, 0x10])).not.toContain('CFA=rsp+8 rip=c-8');
    expect(rules([], cie, [0])).toEqual(['broken']);
  });
});

describe('call frame instructions of other CPUs', () => {
  it('sign return addresses on arm64', () => {
    // paciasp; stp x29, x30, [sp, -16]!; ...; autiasp
    const instructions = [0x41, 0x2d, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x50, 0x0e, 0, 0xdd, 0xde, 0x2d];
    const cie = { instructions: [0x0c, 31, 0], returnColumn: 30, codeAlign: 4 };
    expect(rules(instructions, cie, [0, 4, 8, 0x48], 'arm64')).toEqual([
      'CFA=sp+0',
      'CFA=sp+0 signed return address',
      'CFA=sp+16 x29=c-16 lr=c-8 signed return address',
      'CFA=sp+0',
    ]);
  });

  it('measure vector frames on riscv64', () => {
    // CFA = sp + 16 + 2 * vlenb
    const expression = [0x72, 16, 0x92, 0xa2, 0x38, 0, 0x32, 0x1e, 0x22];
    const cie = { instructions: [0x0c, 2, 0], returnColumn: 1 };
    expect(rules([0x0f, expression.length, ...expression, 0x81, 1], cie, [0], 'riscv64')).toEqual([
      `CFA=exp(${Buffer.from(expression).toString('hex')}) ra=c-8`,
    ]);
  });

  it('save r4 to lr on arm', () => {
    const cie = { instructions: [0x0c, 13, 0], returnColumn: 14, dataAlign: -4, codeAlign: 2 };
    expect(rules([0x41, 0x0e, 8, 0x84, 2, 0x8e, 1], cie, [0, 2], 'arm')).toEqual([
      'CFA=sp+0',
      'CFA=sp+8 r4=c-8 lr=c-4',
    ]);
  });
});

describe('compiled tables', () => {
  it('keep each different rule once', () => {
    const builder = new FrameBuilder(false);
    const cie = builder.cie({ version: 3, instructions: X86_64_CIE });
    for (let i = 0; i < 50; i++) {
      builder.fde(cie, {
        address: [...le(8, START + 0x100 * i), ...le(8, 0x100)],
        instructions: [0x41, 0x0e, 16, 0x43, 0x0e, 8],
      });
    }
    const table = new CfiTable(builder.section(), new RegisterMap(byName('x86_64')), null);
    table.compileAll();
    expect(table.size).toEqual({ fdes: 50, rules: 2, rows: 50 * 4 });
  });

  it('answer again from what was compiled', () => {
    const builder = new FrameBuilder(false);
    const cie = builder.cie({ version: 3, instructions: X86_64_CIE });
    builder.fde(cie, { address: [...le(8, START), ...le(8, 0x100)], instructions: [] });
    const table = new CfiTable(builder.section(), new RegisterMap(byName('x86_64')), null);
    const first = table.find(START + 5);
    expect([table.find(START + 5), table.find(START + 6)]).toEqual([first, first]);
    expect([table.hits, table.misses]).toEqual([1, 2]);
  });
});
