/**
 * The register block of a classic tombstone: which registers, in which rows, under which labels, as a table per CPU.
 */
import type { Arch, ArchName } from '../../arch/arch.js';
import type { ThreadReport } from '../model/report.js';
import { littleEndianHex, wordDigits } from './hex.js';

/**
 * What a row prints before a value, its spaces included, and the names that the register may have in `arch.registers`.
 */
type Cell = readonly [label: string, ...names: string[]];

/** Cells of one width: `rax rbx` become `rax ` and `rbx `, labels shorter than `width` are filled up. */
function row(names: string, width = 3): Cell[] {
  return names.split(' ').map((name) => [`${name.padEnd(width)} `, name] as const);
}

const arm64Row = (from: number, count: number): Cell[] =>
  Array.from({ length: count }, (_, i) => [`${`x${from + i}`.padEnd(3)}  `, `x${from + i}`] as const);

const ROWS: Readonly<Record<ArchName, readonly (readonly Cell[])[]>> = {
  arm: [
    row('r0 r1 r2 r3', 2),
    row('r4 r5 r6 r7', 2),
    [...row('r8 r9', 2), ['sl ', 'sl', 'r10'], ['fp ', 'fp', 'r11']],
    [['ip ', 'ip', 'r12'], ['sp ', 'sp', 'r13'], ['lr ', 'lr', 'r14'], ['pc ', 'pc', 'r15'], ...row('cpsr')],
  ],
  arm64: [
    ...[0, 4, 8, 12, 16, 20, 24].map((first) => arm64Row(first, 4)),
    [
      ['x28  ', 'x28'],
      ['x29  ', 'x29', 'fp'],
      ['x30  ', 'x30', 'lr'],
    ],
    [
      ['sp   ', 'sp'],
      ['pc   ', 'pc'],
      ['pstate ', 'pstate', 'cpsr'],
    ],
  ],
  x86: [
    row('eax ebx ecx edx'),
    row('esi edi'),
    [
      ['xcs ', 'cs'],
      ['xds ', 'ds'],
      ['xes ', 'es'],
      ['xfs ', 'fs'],
      ['xss ', 'ss'],
    ],
    [...row('eip ebp esp'), ['flags ', 'eflags']],
  ],
  x86_64: [
    row('rax rbx rcx rdx'),
    row('rsi rdi'),
    row('r8 r9 r10 r11'),
    row('r12 r13 r14 r15'),
    row('cs ss'),
    row('rip rbp rsp eflags'),
  ],
  // The classic format predates riscv64: rows of four, pc and sp where the newer text has them.
  riscv64: [
    row('ra gp tp t0'),
    row('t1 t2 s0 s1'),
    row('a0 a1 a2 a3'),
    row('a4 a5 a6 a7'),
    row('s2 s3 s4 s5'),
    row('s6 s7 s8 s9'),
    row('s10 s11 t3 t4'),
    row('t5 t6 pc sp'),
  ],
};

/** Index in `arch.registers` of the first of `names` that this CPU has, -1 for none. */
export function registerIndex(arch: Arch, names: readonly string[]): number {
  for (const name of names) {
    const index = arch.registers.findIndex((register) => register.name === name);
    if (index >= 0) return index;
  }
  return -1;
}

interface Column {
  readonly label: string;
  /** Byte offset in the register file. */
  readonly offset: number;
}

const layouts = new Map<Arch, readonly (readonly Column[])[]>();

function layout(arch: Arch): readonly (readonly Column[])[] {
  let rows = layouts.get(arch);
  if (rows === undefined) {
    rows = ROWS[arch.name].map((cells) =>
      cells
        .map(([label, ...names]) => ({ label, offset: 8 * registerIndex(arch, names) }))
        .filter((column) => column.offset >= 0),
    );
    layouts.set(arch, rows);
  }
  return rows;
}

/** The general registers of a thread; nothing when they could not be read. */
export function registerLines(arch: Arch, thread: ThreadReport): string[] {
  const file = thread.registers;
  if (file === null) return [];
  const digits = wordDigits(arch);
  return layout(arch).map(
    (columns) => `    ${columns.map(({ label, offset }) => label + littleEndianHex(file, offset, digits)).join('  ')}`,
  );
}
