/** The stack block: a few words around the stack pointer of every frame, and what their values point at. */

import { reportText } from '../../bytes/shown-text.js';
import { mapAt } from '../model/map-index.js';
import type { Report, ThreadReport } from '../model/report.js';
import { stackSegments } from '../model/stack-segments.js';
import { frameNumber, functionText } from './frames.js';
import { address, littleEndianHex, u32, wordDigits } from './hex.js';
import { leftOut, TextRoom } from './text-room.js';

/** What stands for words left out between two frames. */
const JUMP = '         ........  ........';

/** `  /lib/libc.so.6 (abort+12)` for a value that lies in a named mapping, else ''. */
function pointeeText(report: Report, value: number): string {
  const map = mapAt(report.maps, value);
  if (map === null || map.name === '') return '';
  const fn = report.functionAt(value);
  return `  ${reportText(map.name)}${functionText(fn?.name ?? null, fn?.offset ?? 0)}`;
}

/** The lines of one block, and the room that they have. */
interface Block {
  readonly lines: string[];
  readonly room: TextRoom;
}

/**
 * Prints up to `words` words from `sp`, as many as were copied; returns the address behind the last one, null where the
 * room ends.
 */
function segment(report: Report, { lines, room }: Block, sp: number, words: number, label: number): number | null {
  const { arch } = report;
  const size = arch.wordSize;
  const digits = wordDigits(arch);
  const bytes = new Uint8Array(words * size);
  const count = Math.floor(report.memory.read(sp, bytes) / size);
  for (let i = 0; i < count; i++) {
    const at = i * size;
    const head = i === 0 && label >= 0 ? `    #${String(label).padStart(2, '0')}  ` : '         ';
    const high = size === 8 ? u32(bytes, at + 4) : 0;
    // No mapping that reports name lies above 2^53.
    const pointee = high < 0x200000 ? pointeeText(report, high * 2 ** 32 + u32(bytes, at)) : '';
    const line = `${head}${address(sp + at, arch)}  ${littleEndianHex(bytes, at, digits)}${pointee}`;
    if (!room.fits(line)) return null;
    lines.push(line);
  }
  return sp + count * size;
}

/**
 * The stack block, with the blank line before it; nothing without frames. Where the room ends it says of how many
 * frames there is no more.
 */
export function stackLines(report: Report, thread: ThreadReport, room = new TextRoom(Infinity)): string[] {
  const { frames } = thread;
  if (frames.length === 0) return [];
  const lines = ['', 'stack:'];
  const size = report.arch.wordSize;
  const block = { lines, room };
  const last = frames.findLastIndex((frame) => frame.sp !== 0);
  let sp: number | null = null;
  for (const { frame, address: start, words } of stackSegments(frames, size)) {
    if (frame >= 0 && sp !== null && sp !== start) {
      lines.push(JUMP);
      room.spend([JUMP]);
    }
    if (frame < 0 || sp !== null)
      sp = segment(report, block, start, words, frame < 0 ? frame : frameNumber(thread, frame));
    if (frame >= 0 && sp === null) {
      lines.push(leftOut(last - frame + 1, "frame's stack", "frames' stacks"));
      break;
    }
  }
  return lines;
}
