import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { ANDROID_RULES } from '../../recorded/android-rules.js';
import { type FunctionSpec, IMAGE, type ProcessSpec, STACK, unwindProcess } from '../walk-builder.js';

const x86_64 = byName('x86_64');
const CALL = [0xe8, 0, 0, 0, 0];
const OUTERMOST: Readonly<Record<ArchName, number>> = { x86_64: 16, x86: 8, arm64: 30, arm: 14, riscv64: 1 };

/** `bare` has no frame description; `start` ends the stack. */
const functions = (name: ArchName): readonly FunctionSpec[] => [
  { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, OUTERMOST[name]], codeAt: 0x1040, code: CALL },
  { name: 'bare', start: 0x1300, size: 0x100, codeAt: 0x1350, code: CALL },
];
const bare: ProcessSpec = {
  arch: x86_64,
  functions: functions('x86_64'),
  registers: { rip: IMAGE + 0x1310, rsp: STACK },
};
const rejections = (spec: ProcessSpec): string[] =>
  unwindProcess(spec)
    .decisions.filter(({ kind }) => kind === 'rejected')
    .map(({ text }) => text);

describe('frame-pointer chains', () => {
  it.each<[ArchName, string, string, string, number[]]>([
    ['x86_64', 'rip', 'rsp', 'rbp', [0, 0, 0, IMAGE + 0x1045]],
    ['x86', 'eip', 'esp', 'ebp', [0, 0, 0, IMAGE + 0x1045]],
    ['arm64', 'pc', 'sp', 'x29', [0, 0, 0, IMAGE + 0x1045]],
    ['riscv64', 'pc', 'sp', 's0', [0, IMAGE + 0x1045, 0, 0]],
  ])('are followed on %s', (name, pc, sp, fp, stack) => {
    const arch = byName(name);
    const spec = {
      arch,
      functions: functions(name),
      registers: { [pc]: IMAGE + 0x1310, [sp]: STACK, [fp]: STACK + 2 * arch.wordSize },
      stack,
    };
    expect(unwindProcess(spec).lines[1]).toMatch(/^start\+\d+ fp$/);
    expect(unwindProcess({ ...spec, rules: ANDROID_RULES }).lines.join()).not.toMatch(/fp/);
  });

  it('go on from link to link', () => {
    const spec = {
      ...bare,
      registers: { ...bare.registers, rbp: STACK + 16 },
      stack: [0, 0, STACK + 48, IMAGE + 0x1380, 0, 0, 0, IMAGE + 0x1045],
    };
    const { lines, frames } = unwindProcess(spec);
    expect(lines).toEqual(['bare+16 context', 'bare+127 fp', 'start+68 fp']);
    expect(frames.map(({ sp }) => sp - STACK)).toEqual([0, 32, 64]);
  });

  it('are not preferred to a table', () => {
    const described = [functions('x86_64')[0]!, { name: 'described', start: 0x1300, size: 0x100, instructions: [] }];
    const spec = {
      ...bare,
      functions: described,
      registers: { ...bare.registers, rbp: STACK + 16 },
      stack: [IMAGE + 0x1045, 0, 0, IMAGE + 0x1380],
    };
    expect(unwindProcess(spec).lines).toEqual(['described+16 context', 'start+68 cfi']);
  });

  it.each<[string, number | bigint, number[]]>([
    ['the frame pointer is null', 0, []],
    ['the frame pointer is no address', 2n ** 63n, []],
    ['the frame pointer is not aligned', STACK + 4, []],
    ['the frame pointer is below sp', STACK - 16, []],
    ['no memory at the frame pointer', STACK + 0x800, [0]],
    ['the return address is not in executable memory', STACK, [0, STACK]],
  ])('are left when %s', (why, rbp, stack) => {
    expect(rejections({ ...bare, registers: { ...bare.registers, rbp }, stack })).toContain(`frame pointer: ${why}`);
  });

  it('are left where no call is before the return address', () => {
    const nop: FunctionSpec = { name: 'nop', start: 0, size: 0, codeAt: 0x1059, code: new Array<number>(7).fill(0x90) };
    const registers = { ...bare.registers, rbp: STACK + 16 };
    const stack = [0, 0, STACK + 48, IMAGE + 0x1060, 0, 0, 0, 0];
    const spec = { ...bare, functions: [...bare.functions!, nop], registers, stack };
    expect(rejections(spec)).toContain('frame pointer: there is no call before the return address');
  });

  it('may end in what is no link: the code proves the call', () => {
    const spec = (returnAddress: number, next: number): ProcessSpec => ({
      ...bare,
      registers: { ...bare.registers, rbp: STACK + 16 },
      stack: [0, 0, next, returnAddress, 0, 0],
      more: [{ start: 0x900000, end: 0x901000, prot: 7 }],
    });
    for (const next of [STACK + 16, 1, STACK + 4]) {
      expect(unwindProcess(spec(IMAGE + 0x1045, next)).lines).toEqual(['bare+16 context', 'start+68 fp']);
      expect(rejections(spec(0x900010, next))).toContain('frame pointer: the chain turns back');
    }
    expect(unwindProcess(spec(0x900010, STACK + 48)).lines[1]).toBe('0x90000f fp');
  });
});

describe('calls to nowhere', () => {
  it('return to the word at the top of the stack', () => {
    const { lines, frames } = unwindProcess({ ...bare, registers: { rip: 0, rsp: STACK }, stack: [IMAGE + 0x1045] });
    expect(lines).toEqual(['0x0 context', 'start+68 leaf']);
    expect(frames[1]!.sp).toBe(STACK + 8);
  });

  it('return to the link register', () => {
    for (const name of ['arm64', 'arm', 'riscv64'] as const) {
      const link = name === 'riscv64' ? 'ra' : 'lr';
      const spec = {
        arch: byName(name),
        functions: functions(name),
        registers: { pc: 0, sp: STACK, [link]: IMAGE + 0x1044 },
      };
      expect(unwindProcess(spec).lines).toEqual(['0x0 context', 'start+64 leaf']);
    }
  });

  it('are not made of what is no code', () => {
    const spec = { ...bare, registers: { rip: 0, rsp: STACK }, stack: [STACK + 8] };
    expect(unwindProcess(spec)).toMatchObject({ stop: 'no way on', lines: ['0x0 context'] });
  });
});

describe('the link register of an interrupted function without tables', () => {
  const spec = (lr: number): ProcessSpec => ({
    arch: byName('arm64'),
    functions: functions('arm64'),
    registers: { pc: IMAGE + 0x1310, sp: STACK, lr },
  });

  it('is its return address', () => {
    expect(unwindProcess(spec(IMAGE + 0x1044)).lines).toEqual(['bare+16 context', 'start+64 leaf']);
  });

  it('is left over from a call when it points into the function itself', () => {
    expect(unwindProcess(spec(IMAGE + 0x1354)).lines).toEqual(['bare+16 context']);
  });
});

describe('the scan', () => {
  it('takes the first word behind a call', () => {
    const stack = [5, STACK, IMAGE + 0x1060, IMAGE + 0x1045];
    const nop: FunctionSpec = { name: 'nop', start: 0, size: 0, codeAt: 0x1059, code: new Array<number>(7).fill(0x90) };
    const { lines, frames, decisions } = unwindProcess({ ...bare, functions: [...bare.functions!, nop], stack });
    expect(lines).toEqual(['bare+16 context', 'start+68 scan']);
    expect(frames[1]!.sp).toBe(STACK + 32);
    expect(decisions.map(({ text }) => text)).toContain('scan: 0x401060 at 0x7ff010: no call before it');
  });

  it('is not done by Android’s rules', () => {
    expect(unwindProcess({ ...bare, rules: ANDROID_RULES, stack: [5, IMAGE + 0x1045] }).lines).toEqual([
      'bare+16 context',
    ]);
  });

  it('leaves what lies in no function', () => {
    const nowhere: FunctionSpec = { name: 'nowhere', start: 0, size: 0, codeAt: 0x1f00, code: CALL };
    const spec = { ...bare, functions: [...bare.functions!, nowhere], stack: [IMAGE + 0x1f05] };
    expect(rejections(spec)).toContain('scan: 0x401f05 at 0x7ff000: in no function');
  });

  it('takes code without an image only behind a call', () => {
    const more = [{ start: 0x900000, end: 0x901000, prot: 7 }];
    const jit = new BufferMemory(0x900009, Uint8Array.from([0, 0, ...CALL]));
    const spec = { ...bare, more, moreMemory: jit };
    expect(unwindProcess({ ...spec, stack: [0x900010] }).lines[1]).toBe('0x90000f scan');
    expect(rejections({ ...spec, stack: [0x900020] })).toContain(
      'scan: 0x900020 at 0x7ff000: no image, and no call before it',
    );
  });

  it('takes nothing where the stack was not copied as far as the frame goes', () => {
    // CFA = rsp + 4096: the return address lies behind what was copied.
    const large: FunctionSpec = { name: 'large', start: 0x1300, size: 0x100, instructions: [0x0e, 0x80, 0x20] };
    const spec = { ...bare, functions: [bare.functions![0]!, large], stack: [0, IMAGE + 0x1045] };
    expect(unwindProcess(spec)).toMatchObject({ lines: ['large+16 context'], stop: 'no way on' });
    expect(rejections(spec)).toContain('scan: the stack was not copied as far as the frame goes');
  });

  it('finds the frame pointer that was saved below the return address', () => {
    const spec = {
      ...bare,
      registers: { ...bare.registers, rbp: STACK + 8 },
      // The link itself leads nowhere that is code, so the scan comes first.
      stack: [0, STACK + 40, 0, IMAGE + 0x1355, 0, 0, IMAGE + 0x1045],
    };
    expect(unwindProcess(spec).lines.slice(0, 2)).toEqual(['bare+16 context', 'bare+84 scan']);
  });

  it('searches 640 words', () => {
    const far = (words: number): number[] => [...new Array<number>(words).fill(1), IMAGE + 0x1045];
    expect(unwindProcess({ ...bare, stack: far(639) }).lines.length).toBe(2);
    expect(unwindProcess({ ...bare, stack: far(640) }).lines.length).toBe(1);
    const second = (words: number): number[] => [IMAGE + 0x1355, ...far(words)];
    expect(unwindProcess({ ...bare, stack: second(639) }).lines.length).toBe(3);
    expect(unwindProcess({ ...bare, stack: second(640) }).lines.length).toBe(2);
  });

  it('has an end on a stack of nothing but candidates', () => {
    const { lines } = unwindProcess({
      ...bare,
      maxFrames: 100_000,
      stack: new Array<number>(10_000).fill(IMAGE + 0x1355),
    });
    expect(lines.length).toBe(8193);
  });
});
