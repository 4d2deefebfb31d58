/** Frames as classic tombstones and backtraces print them. */
import type { Arch } from '../arch/arch.js';
import { escapeText } from './escape.js';
import { address } from './hex.js';
import type { Frame } from './model.js';

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
  const offset = frame.elfOffset === 0 ? '' : ` (offset 0x${frame.elfOffset.toString(16)})`;
  const number = String(index).padStart(2, '0');
  const fn = functionText(frame.functionName, frame.functionOffset);
  return `#${number} pc ${address(frame.relPc, arch)}  ${mappingName(arch, frame)}${offset}${fn}`;
}

/** The backtrace block of a tombstone, with the blank line before it; nothing without frames. */
export function backtraceLines(arch: Arch, frames: readonly Frame[]): string[] {
  if (frames.length === 0) return [];
  return ['', 'backtrace:', ...frames.map((frame, index) => `    ${frameText(arch, frame, index)}`)];
}
