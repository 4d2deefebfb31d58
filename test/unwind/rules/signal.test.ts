import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../../src/arch/arch.js';
import { byName } from '../../../src/arch/index.js';
import { BufferMemory } from '../../../src/bytes/memory.js';
import { ANDROID_RULES } from '../../recorded/android-rules.js';
import { CODE_SIZE, IMAGE, mapping, type ProcessSpec, STACK, unwindProcess, wordsOf } from '../walk-builder.js';

/** A trampoline's code, and the stack at it up to the first saved register, in words. */
interface Kernel {
  readonly arch: ArchName;
  readonly what: string;
  readonly code: readonly number[];
  readonly before: readonly number[];
  /** Names of the saved registers in order, '' for words that are none. */
  readonly saved: readonly string[];
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const ARM = [...numbered('r', 12), 'ip', 'sp', 'lr', 'pc', 'cpsr'];
const X86 = ['', '', '', '', 'edi', 'esi', 'ebp', 'esp', 'ebx', 'edx', 'ecx', 'eax', '', '', 'eip'];

const KERNELS: readonly Kernel[] = [
  {
    arch: 'x86_64',
    what: 'rt_sigreturn',
    code: [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05],
    before: zeros(5),
    saved: 'r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags'.split(' '),
  },
  { arch: 'x86', what: 'sigreturn', code: [0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80], before: [11], saved: X86 },
  {
    arch: 'x86',
    what: 'rt_sigreturn',
    code: [0xb8, 0xad, 0, 0, 0, 0xcd, 0x80],
    // Signal number, siginfo *, ucontext *; the ucontext lies right behind.
    before: [11, 0, STACK + 12, ...zeros(5)],
    saved: X86,
  },
  {
    arch: 'arm64',
    what: 'rt_sigreturn',
    code: [0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
    before: zeros((0x80 + 0xb0 + 8) / 8),
    saved: [...numbered('x', 30), 'lr', 'sp', 'pc', 'pstate'],
  },
  { arch: 'arm', what: 'sigreturn', code: [0x77, 0x70, 0xa0, 0xe3], before: zeros(3), saved: ARM },
  { arch: 'arm', what: 'sigreturn (svc)', code: [0x77, 0, 0x90, 0xef], before: zeros(3), saved: ARM },
  {
    arch: 'arm',
    what: 'sigreturn with a ucontext',
    code: [0x77, 0x70, 0xa0, 0xe3],
    before: [0x5ac3c35a, ...zeros(7)],
    saved: ARM,
  },
  { arch: 'arm', what: 'sigreturn (Thumb)', code: [0x77, 0x27, 0x00, 0xdf], before: zeros(3), saved: ARM },
  {
    arch: 'arm',
    what: 'rt_sigreturn',
    code: [0xad, 0x70, 0xa0, 0xe3],
    before: zeros((0x80 + 0x14 + 0xc) / 4),
    saved: ARM,
  },
  {
    arch: 'arm',
    what: 'rt_sigreturn of old kernels',
    code: [0xad, 0x70, 0xa0, 0xe3],
    before: [STACK + 8, ...zeros((4 + 0x80 + 0x14 + 0xc) / 4)],
    saved: ARM,
  },
  {
    arch: 'riscv64',
    what: 'rt_sigreturn',
    code: [0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0],
    before: zeros((0x80 + 0xb0) / 8),
    saved: 'pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
      ' ',
    ),
  },
];

const OUTERMOST: Readonly<Record<ArchName, number>> = { x86_64: 16, x86: 8, arm64: 30, arm: 14, riscv64: 1 };

/** A process whose pc is at the trampoline; what was interrupted is the outermost function, at its very first byte. */
function atTrampoline({ arch: name, code, before, saved }: Kernel): ProcessSpec {
  const arch = byName(name);
  const values: Record<string, number> = {
    [arch.registers[arch.pc]!.name]: IMAGE + 0x1000,
    [arch.registers[arch.sp]!.name]: STACK + 0x900,
  };
  return {
    arch,
    functions: [
      { name: 'before', start: 0xf00, size: 0x100, instructions: [] },
      { name: 'interrupted', start: 0x1000, size: 0x100, instructions: [0x07, OUTERMOST[name]] },
      { name: 'restorer', start: 0x1200, size: 0x20, code },
    ],
    registers: { [arch.registers[arch.pc]!.name]: IMAGE + 0x1200, [arch.registers[arch.sp]!.name]: STACK },
    stack: [...before, ...saved.map((register) => values[register] ?? 0x77)],
  };
}

describe.each(KERNELS)('$arch $what', (kernel) => {
  const spec = atTrampoline(kernel);

  it('leads to the interrupted frame, whose pc is exact', () => {
    const { lines, frames } = unwindProcess(spec);
    expect(lines).toEqual(['restorer+0 context', 'interrupted+0 signal']);
    expect(frames[1]!.sp).toBe(STACK + 0x900);
  });

  it('is stepped back over as Android does it', () => {
    const { frames, lines } = unwindProcess({ ...spec, rules: ANDROID_RULES });
    expect(lines[0]).toBe('restorer+0 context');
    expect(frames[1]!.relPc).toBe(
      0x1000 - (spec.arch.name === 'arm64' || spec.arch.name === 'riscv64' || spec.arch.thumb ? 4 : 1),
    );
  });

  it('is not followed when a saved register is missing', () => {
    const stack = spec.stack!.slice(0, -1);
    expect(unwindProcess({ ...spec, stack }).lines).not.toContain('interrupted+0 signal');
    expect(unwindProcess({ ...spec, stack: [] }).lines[0]).toBe('restorer+0 context');
  });

  it('is recognised in memory where no file is', () => {
    const address = 0x900000;
    const code = new BufferMemory(address, Uint8Array.from([...kernel.code, ...zeros(16)]));
    const { arch } = spec;
    const registers = { ...spec.registers, [arch.registers[arch.pc]!.name]: address };
    const more = [{ start: address, end: address + 0x1000, prot: 5 }];
    expect(unwindProcess({ ...spec, registers, more, moreMemory: code }).lines[1]).toBe('interrupted+0 signal');
  });
});

describe('signal frames by their frame description', () => {
  const arch = byName('x86_64');
  // CFA = *(rsp + 8); rip = *(rsp + 0).
  const description = [0x0f, 3, 0x77, 8, 0x06, 0x10, 16, 2, 0x77, 0];
  const functions = [
    { name: 'interrupted', start: 0x1000, size: 0x100, instructions: [0x07, 16] },
    // It covers the byte before its first instruction, which is looked up when the handler returns to it.
    { name: 'restorer', start: 0x11ff, size: 0x21, instructions: description, signalFrame: true },
    { name: 'handler', start: 0x1300, size: 0x20, instructions: [] },
  ];
  const spec = (pc: number): ProcessSpec => ({
    arch,
    functions,
    registers: { rip: IMAGE + 0x1310, rsp: STACK },
    // The handler returns to the restorer's first byte: it was never called.
    stack: [IMAGE + 0x1200, pc, STACK + 0x100],
  });

  it('have the pc that they return to, not one before it', () => {
    expect(unwindProcess(spec(IMAGE + 0x1000)).lines).toEqual([
      'handler+16 context',
      'restorer+1 cfi',
      'interrupted+0 cfi',
    ]);
    const android = unwindProcess({ ...spec(IMAGE + 0x1001), rules: ANDROID_RULES });
    expect(android.lines).toEqual(['handler+16 context', 'restorer+1 cfi', 'interrupted+0 cfi']);
  });

  it('lead to a call through a null pointer, which is no end', () => {
    const called = spec(0);
    const stack = [...called.stack!, ...zeros(29), IMAGE + 0x1050];
    expect(unwindProcess({ ...called, stack })).toMatchObject({
      lines: ['handler+16 context', 'restorer+1 cfi', '0x0 cfi', 'interrupted+79 leaf'],
      stop: 'end',
    });
  });
});

it('the builder maps what it builds', () => {
  expect(mapping({ start: IMAGE, end: IMAGE + CODE_SIZE }).prot).toBe(5);
  expect([...wordsOf(byName('x86'), [1, 2])]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
});
