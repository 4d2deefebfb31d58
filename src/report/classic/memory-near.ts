/**
 * Memory around the addresses that registers hold, 256 bytes each:
 *
 *     0000000000008d34 ef000000e8bd0090 e1b00000512fff1e  ............../Q
 *
 * Words that were not readable print as dashes; a section whose bytes are all unreadable is printed still, an address
 * that cannot be one (below 4096, or too high) has none.
 */
import type { Arch, ArchName } from '../../arch/arch.js';
import type { Memory } from '../../bytes/memory.js';
import { shownByte } from '../../bytes/shown-text.js';
import type { Report, ThreadReport } from '../model/report.js';
import { hex, littleEndianHex, u32, wordDigits } from './hex.js';
import { registerIndex } from './registers.js';

const BYTES = 256;
const BYTES_PER_LINE = 16;
const PAGE = 4096;
/** Bytes shown before the address, where there are as many. */
const BEFORE = 32;
const LOWEST = 4096;

interface Section {
  readonly title: string;
  /** Names that the register may have in `arch.registers`. */
  readonly names: readonly string[];
  /** Left out when the value equals this register's. */
  readonly unless?: readonly string[];
}

const near = (names: string): Section[] =>
  names.split(' ').map((name) => ({ title: `memory near ${name}:`, names: [name] }));

/** `code around sp:` is no slip of this table: arm64 tombstones have it. */
const SECTIONS: Readonly<Record<ArchName, readonly Section[]>> = {
  arm: [
    ...near('r0 r1 r2 r3 r4 r5 r6 r7 r8 r9'),
    { title: 'memory near sl:', names: ['sl', 'r10'] },
    { title: 'memory near fp:', names: ['fp', 'r11'] },
    { title: 'memory near ip:', names: ['ip', 'r12'] },
    { title: 'memory near sp:', names: ['sp', 'r13'] },
    { title: 'code around pc:', names: ['pc', 'r15'] },
    { title: 'code around lr:', names: ['lr', 'r14'], unless: ['pc', 'r15'] },
  ],
  arm64: [
    ...Array.from({ length: 29 }, (_, i) => ({ title: `memory near x${i}:`, names: [`x${i}`] })),
    { title: 'memory near x29:', names: ['x29', 'fp'] },
    { title: 'memory near x30:', names: ['x30', 'lr'] },
    { title: 'code around pc:', names: ['pc'] },
    { title: 'code around sp:', names: ['sp'], unless: ['pc'] },
  ],
  x86: [...near('eax ebx ecx edx esi edi'), { title: 'code around eip:', names: ['eip'] }],
  x86_64: [...near('rax rbx rcx rdx rsi rdi'), { title: 'code around rip:', names: ['rip'] }],
  riscv64: [...near('ra sp gp tp a0 a1 a2 a3 a4 a5 a6 a7'), { title: 'code around pc:', names: ['pc'] }],
};

/** The two halves of a word: an address of 64 bits need not be one that a process can have. */
interface Word {
  readonly high: number;
  readonly low: number;
}

function register(arch: Arch, file: Uint8Array, names: readonly string[]): Word | null {
  const offset = 8 * registerIndex(arch, names);
  if (offset < 0) return null;
  return { high: arch.wordSize === 8 ? u32(file, offset + 4) : 0, low: u32(file, offset) };
}

/** Aligned to a word, less 32 where that leaves a page; null for what cannot be an address. */
function sectionStart(arch: Arch, { high, low }: Word): Word | null {
  let start: Word = { high, low: (low & ~(arch.wordSize - 1)) >>> 0 };
  if (start.high > 0 || start.low >= LOWEST + BEFORE) {
    start =
      start.low >= BEFORE
        ? { high: start.high, low: start.low - BEFORE }
        : { high: start.high - 1, low: start.low + 2 ** 32 - BEFORE };
  }
  if (start.high === 0 && start.low < LOWEST) return null;
  if (arch.wordSize === 4) return start.low > 0xffff0000 - BYTES ? null : start;
  // The last start is 0x4000000000000000 - 256.
  if (start.high >= 0x40000000) return null;
  return start.high === 0x3fffffff && start.low > 2 ** 32 - BYTES ? null : start;
}

/** What could be read: bytes [from, to) of the 256. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/**
 * One read, and a second one where it stopped, since a mapping may follow without a gap; if nothing was there, at the
 * next page. A page being larger than the section, there can be no third piece.
 */
function readAround(memory: Memory, start: number, wordSize: number): Piece {
  const bytes = new Uint8Array(BYTES);
  const wholeWords = (count: number) => count - (count % wordSize);
  const count = wholeWords(memory.read(start, bytes));
  if (count === BYTES) return { bytes, from: 0, to: BYTES };
  let from = 0;
  if (count === 0) {
    from = (PAGE - (start % PAGE)) % PAGE;
    if (from === 0 || from >= BYTES) return { bytes, from: 0, to: 0 };
  }
  const more = memory.read(start + from + count, bytes.subarray(from + count));
  return { bytes, from, to: from + wholeWords(count + more) };
}

function ascii(bytes: Uint8Array, from: number, length: number): string {
  let text = '';
  for (let i = from; i < from + length; i++) {
    text += shownByte(bytes[i] ?? 0);
  }
  return text;
}

/** The lines of one section; none for an address that cannot be one. `value` is the register's. */
export function memorySectionLines(arch: Arch, memory: Memory, title: string, value: Word): string[] {
  const start = sectionStart(arch, value);
  if (start === null) return [];
  const size = arch.wordSize;
  const digits = wordDigits(arch);
  const { bytes, from, to } = readAround(memory, start.high * 2 ** 32 + start.low, size);
  const lines = ['', title];
  for (let at = 0; at < BYTES; at += BYTES_PER_LINE) {
    const low = start.low + at;
    const carry = low >= 2 ** 32 ? 1 : 0;
    let words = digits === 16 ? hex(start.high + carry, 8) + hex(low - carry * 2 ** 32, 8) : hex(low, 8);
    let text = '';
    for (let word = at; word < at + BYTES_PER_LINE; word += size) {
      const readable = word >= from && word + size <= to;
      words += readable ? ` ${littleEndianHex(bytes, word, digits)}` : ` ${'-'.repeat(digits)}`;
      text += readable ? ascii(bytes, word, size) : '.'.repeat(size);
    }
    lines.push(`    ${words}  ${text}`);
  }
  return lines;
}

/** Memory near each register of the crashed thread, then the code around its pc. */
export function memoryLines(report: Report, thread: ThreadReport): string[] {
  const { arch, memory } = report;
  const file = thread.registers;
  if (file === null) return [];
  return SECTIONS[arch.name].flatMap(({ title, names, unless }) => {
    const value = register(arch, file, names);
    const other = unless ? register(arch, file, unless) : null;
    if (value === null || (other?.high === value.high && other.low === value.low)) return [];
    return memorySectionLines(arch, memory, title, value);
  });
}
