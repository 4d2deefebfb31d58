import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../src/arch/arch.js';
import { byName } from '../../src/arch/index.js';
import { DEFAULT_RULES } from '../../src/unwind/rule-set.js';
import { le } from '../objects/dwarf/frame-builder.js';
import { ANDROID_RULES, rulesOf } from '../recorded/android-rules.js';
import { type FunctionSpec, IMAGE, type ProcessSpec, STACK, unwindProcess } from './walk-builder.js';

const x86_64 = byName('x86_64');

/** CFA = rsp + 16 with rbx below the return address, from the first byte on. */
const PUSHED_RBX = [0x0e, 16, 0x83, 2];
/** CFA = rbp + 16. */
const FRAME_POINTER = [0x0c, 6, 16, 0x86, 2];
const OUTERMOST = [0x07, 16];

const functions: readonly FunctionSpec[] = [
  { name: 'start', start: 0x1000, size: 0x100, instructions: OUTERMOST },
  { name: 'main', start: 0x1100, size: 0x100, instructions: PUSHED_RBX },
  { name: 'work', start: 0x1200, size: 0x100, instructions: FRAME_POINTER },
  { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] },
];

/** leaf, called by work, called by main, called by start. */
const plain: ProcessSpec = {
  arch: x86_64,
  functions,
  registers: { rip: IMAGE + 0x1310, rsp: STACK, rbp: STACK + 16, rbx: 7 },
  stack: [IMAGE + 0x1250, 0x11, STACK + 0x800, IMAGE + 0x1150, 0x22, IMAGE + 0x1050],
};

describe('a walk by tables', () => {
  it('goes to the outermost frame', () => {
    const { lines, stop, frames } = unwindProcess(plain);
    expect(lines).toEqual(['leaf+16 context', 'work+79 cfi', 'main+79 cfi', 'start+79 cfi']);
    expect(stop).toBe('end');
    expect(frames.map(({ sp }) => sp - STACK)).toEqual([0, 8, 32, 48]);
    expect(frames[1]).toMatchObject({
      pc: IMAGE + 0x124f,
      relPc: 0x124f,
      mapName: '/bin/it',
      mapStart: IMAGE,
      elfOffset: 0,
    });
  });

  it('gives the same by Android’s rules', () => {
    expect(unwindProcess({ ...plain, rules: ANDROID_RULES }).lines).toEqual(unwindProcess(plain).lines);
  });

  it('looks a call up that is the last instruction of its function', () => {
    const stack = [IMAGE + 0x1300, ...plain.stack!.slice(1)];
    expect(unwindProcess({ ...plain, stack }).lines[1]).toBe('work+255 cfi');
  });

  it('ends at a null return address', () => {
    const { lines, stop } = unwindProcess({ ...plain, stack: [0] });
    expect([lines, stop]).toEqual([['leaf+16 context'], 'end']);
  });

  it('ends at a return address in the first page, whatever lies behind it on the stack', () => {
    const stack = [1, IMAGE + 0x1350, IMAGE + 0x1350];
    expect(unwindProcess({ ...plain, stack })).toMatchObject({ lines: ['leaf+16 context', '0x1 cfi'], stop: 'end' });
  });

  it('stops at the number of frames asked', () => {
    const { lines, stop } = unwindProcess({ ...plain, maxFrames: 2 });
    expect([lines.length, stop]).toEqual([2, 'max frames']);
  });

  it('ends when a frame leads to itself', () => {
    // CFA = rsp, return address in rbx, which points to the frame itself.
    const loop = [{ name: 'loop', start: 0x1000, size: 0x100, instructions: [0x0e, 0, 0x09, 16, 3] }];
    for (const rules of [ANDROID_RULES, DEFAULT_RULES]) {
      const spec = {
        ...plain,
        functions: loop,
        rules,
        registers: { rip: IMAGE + 0x1010, rsp: STACK, rbx: IMAGE + 0x1010 },
      };
      expect(unwindProcess(spec)).toMatchObject({ stop: 'repeated frame', lines: ['loop+16 context'] });
    }
  });

  it('never leaves its bounds in a stack that winds itself forward', () => {
    const spec = {
      ...plain,
      registers: { rip: IMAGE + 0x1310, rsp: STACK },
      stack: new Array<number>(100).fill(IMAGE + 0x1350),
    };
    expect(unwindProcess(spec).lines.length).toBe(101);
  });

  it('lists its decisions', () => {
    const { decisions } = unwindProcess(plain);
    expect(decisions.map(({ frame, kind, text }) => `${frame} ${kind}: ${text}`)).toEqual([
      '0 frame: pc 0x401310 sp 0x7ff000 found by context, relPc 0x1310',
      '0 rule: eh_frame: CFA=rsp+8 rip=c-8',
      '1 frame: pc 0x40124f sp 0x7ff008 found by cfi, relPc 0x124f',
      '1 rule: eh_frame: CFA=rbp+16 rbp=c-16 rip=c-8',
      '2 frame: pc 0x40114f sp 0x7ff020 found by cfi, relPc 0x114f',
      '2 rule: eh_frame: CFA=rsp+16 rbx=c-16 rip=c-8',
      '3 frame: pc 0x40104f sp 0x7ff030 found by cfi, relPc 0x104f',
      '3 rule: eh_frame: CFA=rsp+8 rip=u outermost frame (outermost)',
      '3 stop: end',
    ]);
  });

  it('follows expressions', () => {
    // CFA = *(rsp + 8); the return address at *(CFA expression) - 8.
    const odd = [
      {
        name: 'odd',
        start: 0x1300,
        size: 0x100,
        instructions: [0x0f, 3, 0x77, 8, 0x06, 0x10, 16, 3, 0x38, 0x1c, 0x96],
      },
    ];
    const spec = {
      ...plain,
      functions: [functions[0]!, ...odd],
      registers: { rip: IMAGE + 0x1310, rsp: STACK },
      stack: [1, STACK + 0x18, IMAGE + 0x1020],
    };
    expect(unwindProcess(spec).lines).toEqual(['odd+16 context', 'start+31 cfi']);
  });
});

describe('what is wrong with a step', () => {
  it('is told when memory is missing', () => {
    const { decisions, stop, lines } = unwindProcess({ ...plain, registers: { rip: IMAGE + 0x1310, rsp: 0x9000 } });
    expect(stop).toBe('no way on');
    expect(lines.length).toBe(1);
    expect(decisions.map(({ text }) => text)).toContain('no memory at 0x9000');
  });

  it('restores the registers before anything else is tried', () => {
    // rbx is loaded before the return address turns out to be unreadable.
    const broken: FunctionSpec = {
      name: 'half',
      start: 0x1300,
      size: 0x100,
      instructions: [0x83, 1, 0x05, 16, 0x80, 0x80, 0x80, 0x01],
    };
    const spec = {
      ...plain,
      functions: [...functions.slice(0, 3), broken],
      registers: { rip: IMAGE + 0x1310, rsp: STACK, rbp: STACK + 16, rbx: 7 },
      stack: [0x99, 0, STACK + 0x80, IMAGE + 0x1050],
    };
    const { lines } = unwindProcess(spec);
    expect(lines).toEqual(['half+16 context', 'start+79 fp']);
  });

  it('is a caller whose sp would be below', () => {
    const back = [{ name: 'back', start: 0x1300, size: 0x100, instructions: [0x0c, 6, 16] }];
    const spec = {
      ...plain,
      functions: [...functions.slice(0, 3), ...back],
      registers: { rip: IMAGE + 0x1310, rsp: STACK + 32, rbp: STACK },
      stack: [0, IMAGE + 0x1050, 0, 0, 0],
    };
    const checked = unwindProcess(spec);
    expect(checked.decisions.map(({ text }) => text)).toContain('the sp of the caller would be below the frame');
    expect(checked.lines).toEqual(['back+16 context']);
    expect(unwindProcess({ ...spec, rules: ANDROID_RULES }).lines).toEqual(['back+16 context', 'start+79 cfi']);
  });
});

describe('device memory', () => {
  it.each([true, false])('is never unwound through (Android’s rules: %s)', (android) => {
    const more = [
      { start: 0x900000, end: 0x901000, name: '/dev/gpu' },
      { start: 0xa00000, end: 0xa01000, name: '/dev/ashmem/jit' },
    ];
    const inDevice = { ...plain, rules: rulesOf(android), more, registers: { rip: 0x900010, rsp: STACK } };
    expect(unwindProcess(inDevice)).toMatchObject({ stop: 'device memory', lines: ['0x900010 context'] });
    const onDevice = { ...plain, rules: rulesOf(android), more, registers: { ...plain.registers, rsp: 0x900010 } };
    expect(unwindProcess(onDevice)).toMatchObject({ stop: 'device memory', lines: ['leaf+16 context'] });
    expect(
      unwindProcess({ ...plain, rules: rulesOf(android), more, registers: { rip: 0xa00010, rsp: STACK } }).stop,
    ).not.toBe('device memory');
  });
});

describe('Android’s rules', () => {
  const wild = { ...plain, rules: ANDROID_RULES, registers: { ...plain.registers, rip: 0x10 } };

  it('tries the top of the stack once, without moving sp', () => {
    const stack = [IMAGE + 0x1350, IMAGE + 0x1150, 0x22, IMAGE + 0x1050];
    const { lines, frames } = unwindProcess({ ...wild, stack });
    expect(lines.slice(0, 2)).toEqual(['0x10 context', 'leaf+79 leaf']);
    expect(frames[1]!.sp).toBe(STACK);
  });

  it('drops the guess that leads nowhere, and keeps it when it is all there is', () => {
    const bare = [...functions.slice(0, 3), { name: 'bare', start: 0x1300, size: 0x100 }];
    const kept = unwindProcess({ ...wild, functions: bare, stack: [IMAGE + 0x1350] });
    expect(kept).toMatchObject({ stop: 'no way on', lines: ['0x10 context', 'bare+79 leaf'] });
    const dropped = unwindProcess({
      ...plain,
      rules: ANDROID_RULES,
      functions: bare,
      registers: { rip: IMAGE + 0x1310, rsp: STACK },
      stack: [IMAGE + 0x1380],
    });
    expect(dropped).toMatchObject({ stop: 'no way on', lines: ['bare+16 context'] });
  });
});

describe('32-bit CPUs', () => {
  it('wrap sums at their word', () => {
    const x86 = byName('x86');
    const spec = {
      arch: x86,
      functions: [
        { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 8] },
        { name: 'leaf', start: 0x1300, size: 0x100, instructions: [0x0c, 3, 8] },
      ],
      // ebx + 8 wraps around to STACK + 8.
      registers: { eip: IMAGE + 0x1310, esp: STACK, ebx: STACK },
      stack: [0, IMAGE + 0x1050],
    };
    expect(unwindProcess(spec).lines).toEqual(['leaf+16 context', 'start+79 cfi']);
    expect(unwindProcess({ ...spec, registers: { ...spec.registers, ebx: 0xfffffffc } }).decisions[1]!.text).toMatch(
      /no memory at 0x0$/,
    );
  });

  it.each<[string, number, number[], number]>([
    ['a 4-byte Thumb call', 0x1251, [0x00, 0xf0, 0x00, 0xf8], 4],
    ['a 2-byte Thumb call', 0x1251, [0x00, 0xbf, 0x98, 0x47], 2],
    ['an ARM call', 0x1254, [0x00, 0x00, 0x00, 0xeb], 4],
  ])('step back over %s', (_, returnAddress, code, size) => {
    const arm = byName('arm');
    const codeAt = returnAddress - (returnAddress % 2) - 4;
    const { frames } = unwindProcess({
      arch: arm,
      functions: [
        { name: 'caller', start: 0x1200, size: 0x100, instructions: [0x07, 14], code, codeAt },
        { name: 'leaf', start: 0x1300, size: 0x100, instructions: [] },
      ],
      registers: { pc: IMAGE + 0x1310, sp: STACK, lr: IMAGE + returnAddress },
    });
    expect(frames[1]!.relPc).toBe(returnAddress - size);
  });
});

describe('signed return addresses (arm64)', () => {
  const arm64 = byName('arm64');
  const SIGNATURE = 0x0055n << 48n;
  const spec: ProcessSpec = {
    arch: arm64,
    functions: [
      { name: 'start', start: 0x1000, size: 0x100, instructions: [0x07, 30] },
      { name: 'signed', start: 0x1300, size: 0x100, instructions: [0x2d, 0x0e, 16, 0x9d, 2, 0x9e, 1] },
      { name: 'plain', start: 0x1400, size: 0x100, instructions: [0x0e, 16, 0x9d, 2, 0x9e, 1] },
    ],
    registers: { pc: IMAGE + 0x1310, sp: STACK },
    stack: [0, SIGNATURE | BigInt(IMAGE + 0x1050)],
  };
  const pacMask = 0xffffn << 48n;

  it('are stripped by the mask where the table says that they are signed', () => {
    expect(unwindProcess({ ...spec, pacMask, rules: ANDROID_RULES }).lines).toEqual([
      'signed+16 context',
      'start+76 cfi',
    ]);
    const notSigned = { ...spec, registers: { pc: IMAGE + 0x1410, sp: STACK }, pacMask, rules: ANDROID_RULES };
    expect(unwindProcess(notSigned).lines.length).toBe(1 + 1);
    expect(unwindProcess(notSigned).lines[1]).not.toMatch(/start/);
  });

  it('are guessed without a mask, beyond Android’s rules', () => {
    expect(unwindProcess(spec).lines).toEqual(['signed+16 context', 'start+76 cfi']);
    expect(unwindProcess({ ...spec, rules: ANDROID_RULES }).lines[1]).not.toMatch(/start/);
  });

  it('may be in the pc itself', () => {
    const registers = { pc: SIGNATURE | BigInt(IMAGE + 0x1310), sp: STACK };
    expect(unwindProcess({ ...spec, registers, pacMask, rules: ANDROID_RULES }).lines).toEqual([
      'signed+16 context',
      'start+76 cfi',
    ]);
  });
});

describe('code made at run time', () => {
  it('gives a frame for a dex pc before the interpreter’s', () => {
    // r12 holds the dex pc: val_expression(rbx) = const4u DEX1, drop, breg12 0.
    const expression = [0x0c, ...le(4, 0x31584544), 0x13, 0x7c, 0];
    const interpreter = [0x0e, 8, 0x16, 3, expression.length, ...expression];
    const spec: ProcessSpec = {
      ...plain,
      functions: [functions[0]!, { name: 'execute', start: 0x1300, size: 0x100, instructions: interpreter }],
      registers: { rip: IMAGE + 0x1310, rsp: STACK, r12: 0xb00123 },
      stack: [IMAGE + 0x1050],
      more: [{ start: 0xb00000, end: 0xb01000, prot: 1, name: '/data/base.vdex', offset: 0x1000 }],
      dex: { functionAt: (pc) => (pc === 0xb00123 ? { name: 'Main.run', offset: 9 } : null) },
    };
    const { lines, frames } = unwindProcess(spec);
    expect(lines).toEqual(['execute+16 context', 'Main.run+9 dex', 'start+79 cfi']);
    expect(frames[1]).toMatchObject({ relPc: 0x123, mapName: '/data/base.vdex', elfOffset: 0, buildId: null });
    expect(unwindProcess({ ...spec, maxFrames: 2 })).toMatchObject({ stop: 'max frames' });
  });

  it('is named by a map file where nothing else names it', () => {
    const spec: ProcessSpec = {
      ...plain,
      registers: { rip: 0xc00010, rsp: STACK },
      more: [{ start: 0xc00000, end: 0xc01000, prot: 7 }],
      codeNames: { functionAt: (pc) => ({ name: 'JS:loop', offset: pc - 0xc00000 }) },
    };
    expect(unwindProcess(spec).lines[0]).toBe('JS:loop+16 context');
  });
});

describe.each<ArchName>(['x86_64', 'x86', 'arm64', 'arm', 'riscv64'])('hostile registers on %s', (name) => {
  it.each([0n, 1n, 0xffffffffn, 2n ** 53n - 1n, 2n ** 63n, 2n ** 64n - 1n])('all %s do no harm', (value) => {
    const arch = byName(name);
    for (const rules of [ANDROID_RULES, DEFAULT_RULES]) {
      const registers = Object.fromEntries(arch.registers.map((register) => [register.name, value]));
      const { frames } = unwindProcess({ arch, registers, rules, maxFrames: 16 });
      expect(frames.length).toBeGreaterThanOrEqual(1);
    }
  });
});
