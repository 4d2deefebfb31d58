/** Frames as classic tombstones and backtraces print them. */
import type { Arch } from '../../arch/arch.js';
import { reportText } from '../../bytes/shown-text.js';
import type { Frame, ThreadReport, Trust } from '../model/report.js';
import { address, wordDigits } from './hex.js';
import { leftOut, type TextRoom } from './text-room.js';

/** Characters of a function's name that are printed: templates that refer to themselves can make names of megabytes. */
const NAME_LENGTH = 16_384;

/** How a frame was guessed that no table leads to. Frames by tables are Android's lines; it prints no others. */
const GUESSED: Readonly<Partial<Record<Trust, string>>> = {
  leaf: ' [guessed: return address]',
  fp: ' [guessed: frame pointer]',
  code: ' [guessed: code]',
  scan: ' [guessed: stack scan]',
};

/** `libc.so`; `<anonymous:00007f0012340000>`; `[vdso:00007fff12340000]`; `<unknown>` in no mapping. */
function mappingName(arch: Arch, frame: Frame): string {
  const name = frame.mapName;
  if (name === null) return '<unknown>';
  const start = address(frame.mapStart, arch);
  if (name === '') return `<anonymous:${start}>`;
  if (name.startsWith('[') && name.endsWith(']')) return `${reportText(name.slice(0, -1))}:${start}]`;
  return reportText(name);
}

/** ` (main+12)`, ` (main)` at its first byte, '' without a name. `name` is target-controlled. */
export function functionText(name: string | null, offset: number): string {
  if (name === null || name === '') return '';
  const shown = reportText(name.length <= NAME_LENGTH ? name : `${name.slice(0, NAME_LENGTH - 3)}...`);
  return offset === 0 ? ` (${shown})` : ` (${shown}+${offset})`;
}

/**
 * `#00 pc 0000000000012345  /lib/libc.so.6 (offset 0x1000) (abort+12)`, with
 * ` [guessed: stack scan]` behind it where it is a guess.
 */
export function frameText(arch: Arch, frame: Frame, index: number): string {
  const { relPc, exact } = frame;
  const pc = exact === undefined ? address(relPc, arch) : exact.relPc.toString(16).padStart(wordDigits(arch), '0');
  const offset = frame.elfOffset === 0 ? '' : ` (offset 0x${frame.elfOffset.toString(16)})`;
  const fn = functionText(frame.functionName, frame.functionOffset);
  const where = `${mappingName(arch, frame)}${offset}${fn}`;
  return `#${String(index).padStart(2, '0')} pc ${pc}  ${where}${GUESSED[frame.trust] ?? ''}`;
}

/** The number of a frame in its stack: those that are left out count. */
export function frameNumber({ gap }: ThreadReport, index: number): number {
  return gap !== undefined && index >= gap.after ? index + gap.count : index;
}

/** A line for each frame, behind `indent`; where `room` ends a last line with the number of those that are left out. */
export function frameLines(arch: Arch, thread: ThreadReport, indent: string, room?: TextRoom): string[] {
  const lines: string[] = [];
  const { frames, gap } = thread;
  for (const [index, frame] of frames.entries()) {
    const numbered = frameNumber(thread, index);
    const line = indent + frameText(arch, frame, numbered);
    if (room !== undefined && !room.fits(line)) {
      lines.push(leftOut(frames.length + (gap?.count ?? 0) - numbered, 'frame'));
      break;
    }
    if (gap !== undefined && index === gap.after) lines.push(leftOut(gap.count, 'frame'));
    lines.push(line);
  }
  return lines;
}

/** The backtrace block of a tombstone, with the blank line before it; nothing without frames. */
export function backtraceLines(arch: Arch, thread: ThreadReport, room?: TextRoom): string[] {
  if (thread.frames.length === 0) return [];
  return ['', 'backtrace:', ...frameLines(arch, thread, '    ', room)];
}
