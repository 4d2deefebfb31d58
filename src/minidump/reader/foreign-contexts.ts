/**
 * CPU contexts of machines that we do not run on, for reading. Layouts: Breakpad's
 * minidump_cpu_{mips,ppc,ppc64,sparc,riscv,arm64}.h.
 */
import type { ContextLayout, ContextRegister } from './context-layout.js';

/** Registers of one size that follow one another. */
function run(names: readonly string[], offset: number, size: 4 | 8): ContextRegister[] {
  return names.map((name, i) => ({ name, offset: offset + i * size, size }));
}

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

const MIPS_NAMES =
  'zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra'.split(' ');
const SPARC_NAMES = ['g', 'o', 'l', 'i'].flatMap((window) => numbered(window, 8));
const RISCV_NAMES =
  'pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ');

/** Both widths of mips share the layout: 64-bit slots. */
const mipsRegisters: readonly ContextRegister[] = [
  ...run(MIPS_NAMES, 8, 8),
  ...run(['hi', 'lo'], 264, 8),
  ...run(['hi0', 'hi1', 'hi2', 'lo0', 'lo1', 'lo2', 'dsp_control'], 280, 4),
  ...run(['pc', 'badvaddr'], 312, 8),
  ...run(['status', 'cause'], 328, 4),
  ...run(numbered('f', 32), 336, 8),
  ...run(['fpcsr', 'fir'], 592, 4),
];

export const mips: ContextLayout = {
  cpu: 'mips',
  size: 600,
  flags: { offset: 0, value: 0x40000 },
  registers: mipsRegisters,
  pc: 'pc',
  sp: 'sp',
};

export const mips64: ContextLayout = { ...mips, cpu: 'mips64', flags: { offset: 0, value: 0x80000 } };

/** srr0 is where execution stopped. */
export const ppc: ContextLayout = {
  cpu: 'ppc',
  size: 1004,
  flags: { offset: 0, value: 0x20000000 },
  registers: [
    ...run(['srr0', 'srr1'], 4, 4),
    ...run(numbered('r', 32), 12, 4),
    ...run(['cr', 'xer', 'lr', 'ctr', 'mq', 'vrsave'], 140, 4),
    ...run(numbered('f', 32), 164, 8),
    ...run(['fpscr'], 424, 4),
  ],
  pc: 'srr0',
  sp: 'r1',
};

export const ppc64: ContextLayout = {
  cpu: 'ppc64',
  size: 1160,
  flags: { offset: 0, value: 0x1000000 },
  wideFlags: true,
  registers: [
    ...run(['srr0', 'srr1'], 8, 8),
    ...run(numbered('r', 32), 24, 8),
    ...run(['cr', 'xer', 'lr', 'ctr', 'vrsave'], 280, 8),
    ...run(numbered('f', 32), 320, 8),
    ...run(['fpscr'], 580, 4),
  ],
  pc: 'srr0',
  sp: 'r1',
};

export const sparc: ContextLayout = {
  cpu: 'sparc',
  size: 584,
  flags: { offset: 0, value: 0x10000000 },
  registers: [
    ...run(SPARC_NAMES, 8, 8),
    ...run(['ccr', 'pc', 'npc', 'y', 'asi', 'fprs'], 264, 8),
    ...run(numbered('d', 32), 312, 8),
    ...run(['fsr'], 576, 8),
  ],
  pc: 'pc',
  sp: 'o6',
};

export const riscv: ContextLayout = {
  cpu: 'riscv',
  size: 268,
  flags: { offset: 0, value: 0x800000 },
  registers: [...run(RISCV_NAMES, 8, 4), ...run(numbered('f', 32), 136, 4), ...run(['fcsr'], 264, 4)],
  pc: 'pc',
  sp: 'sp',
};

export const riscv64: ContextLayout = {
  cpu: 'riscv64',
  size: 528,
  flags: { offset: 0, value: 0x8000000 },
  registers: [...run(RISCV_NAMES, 8, 8), ...run(numbered('f', 32), 264, 8), ...run(['fcsr'], 520, 4)],
  pc: 'pc',
  sp: 'sp',
};

/** What Breakpad's Linux client writes on arm64: packed, flags of 64 bits. */
export const arm64Old: ContextLayout = {
  cpu: 'arm64',
  size: 796,
  flags: { offset: 0, value: 0x80000000 },
  wideFlags: true,
  registers: [
    ...run([...numbered('x', 30), 'lr', 'sp', 'pc'], 8, 8),
    ...run(['pstate', 'fpsr', 'fpcr'], 272, 4),
    ...numbered('v', 32).map((name, i): ContextRegister => ({ name, offset: 284 + 16 * i, size: 16 })),
  ],
  pc: 'pc',
  sp: 'sp',
};
