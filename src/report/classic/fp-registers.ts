/**
 * The floating-point rows that classic tombstones of arm and arm64 have (x86 and x86_64 print none), read from the
 * minidump CPU context. Offsets: MDRawContextARM (fpscr at 72, d0-d31 from 80), MDRawContextARM64 (v0-v31 from 272,
 * fpcr at 784, fpsr at 788).
 */
import type { Arch } from '../../arch/arch.js';
import type { ThreadReport } from '../model/report.js';
import { littleEndianHex } from './hex.js';

const ARM = { size: 368, fpscr: 72, d: 80 } as const;
const ARM64 = { size: 912, v: 272, fpcr: 784, fpsr: 788 } as const;

/** Two registers a row, 16 rows. */
function pairs(letter: string, format: (index: number) => string): string[] {
  const cell = (index: number) => `${letter}${String(index).padEnd(2)} ${format(index)}`;
  return Array.from({ length: 16 }, (_, row) => `    ${cell(2 * row)}  ${cell(2 * row + 1)}`);
}

function armLines(context: Uint8Array): string[] {
  return [
    ...pairs('d', (index) => littleEndianHex(context, ARM.d + 8 * index, 16)),
    `    scr ${littleEndianHex(context, ARM.fpscr, 8)}`,
  ];
}

function arm64Lines(context: Uint8Array): string[] {
  const vector = (index: number) => {
    const at = ARM64.v + 16 * index;
    return ` ${littleEndianHex(context, at + 8, 16)}${littleEndianHex(context, at, 16)}`;
  };
  return [
    ...pairs('v', vector),
    `    fpsr ${littleEndianHex(context, ARM64.fpsr, 8)}  fpcr ${littleEndianHex(context, ARM64.fpcr, 8)}`,
  ];
}

/**
 * The floating-point registers of a thread; nothing for CPUs whose tombstones have none or when they were not copied.
 */
export function fpRegisterLines(arch: Arch, thread: ThreadReport): string[] {
  const context = thread.context;
  if (context === null) return [];
  if (arch.name === 'arm' && context.length >= ARM.size) return armLines(context);
  if (arch.name === 'arm64' && context.length >= ARM64.size) return arm64Lines(context);
  return [];
}
