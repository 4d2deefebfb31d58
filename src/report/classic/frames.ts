/** Frames as classic tombstones and backtraces print them. */
import type { Arch } from '../../arch/arch.js';
import type { Frame, ThreadReport } from '../model/report.js';
import { escapeText } from './escape.js';
import { address, littleEndianHex, wordDigits } from './hex.js';

/** `libc.so`; `<anonymous:00007f0012340000>`; `[vdso:00007fff12340000]`; `<unknown>` in no mapping. */
function mappingName(arch: Arch, frame: Frame): string {
  const name = frame.mapName;
  if (name === null) return '<unknown>';
  const start = address(frame.mapStart, arch);
  if (name === '') return `<anonymous:${start}>`;
  if (name.startsWith('[') && name.endsWith(']')) return `${escapeText(name.slice(0, -1))}:${start}]`;
  return escapeText(name);
}

/** ` (main+12)`, ` (main)` at its first byte, '' without a name. `name` is target-controlled. */
export function functionText(name: string | null, offset: number): string {
  if (name === null || name === '') return '';
  return offset === 0 ? ` (${escapeText(name)})` : ` (${escapeText(name)}+${offset})`;
}

/** `#00 pc 0000000000012345  /lib/libc.so.6 (offset 0x1000) (abort+12)` */
export function frameText(arch: Arch, frame: Frame, index: number): string {
  return withPc(arch, frame, index, address(frame.relPc, arch));
}

function withPc(arch: Arch, frame: Frame, index: number, pc: string): string {
  const offset = frame.elfOffset === 0 ? '' : ` (offset 0x${frame.elfOffset.toString(16)})`;
  const fn = functionText(frame.functionName, frame.functionOffset);
  return `#${String(index).padStart(2, '0')} pc ${pc}  ${mappingName(arch, frame)}${offset}${fn}`;
}

/**
 * All frames of a thread. A thread may have jumped to what is no address, and no exact Number: its registers have the digits.
 */
export function frameTexts(arch: Arch, { frames, registers }: ThreadReport): string[] {
  return frames.map((frame, index) => {
    const exact = index > 0 || frame.relPc <= Number.MAX_SAFE_INTEGER || registers === null;
    if (exact) return frameText(arch, frame, index);
    return withPc(arch, frame, index, littleEndianHex(registers, 8 * arch.pc, wordDigits(arch)));
  });
}

/** The backtrace block of a tombstone, with the blank line before it; nothing without frames. */
export function backtraceLines(arch: Arch, thread: ThreadReport): string[] {
  if (thread.frames.length === 0) return [];
  return ['', 'backtrace:', ...frameTexts(arch, thread).map((text) => `    ${text}`)];
}
