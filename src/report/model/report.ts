/**
 * The report: what was true of a process when it was frozen, unwound and named. Every text, proto or JSON is a view of
 * it. Built by the engraver from a minidump; rendered by pure functions.
 */
import type { Arch } from '../../arch/arch.js';
import type { Memory } from '../../bytes/memory.js';
import type { UnwoundFrame } from '../../unwind/frame.js';

export type { Trust } from '../../unwind/frame.js';

/** A frame as the unwinder gives it: nothing is added or lost on the way into a report. */
export type Frame = UnwoundFrame;

/** Frames that are left out of the middle of a stack: `count` of them, behind the first `after`. */
export interface FrameGap {
  readonly after: number;
  readonly count: number;
}

export interface ThreadReport {
  readonly tid: number;
  /** comm; null when it could not be read. */
  readonly name: string | null;
  /** Register file in `arch.registers` order (see arch/arch.ts); null when the thread's registers could not be read. */
  readonly registers: Uint8Array | null;
  /** The minidump CPU context as copied (floating-point state lies in it, placed by `arch.context`). */
  readonly context: Uint8Array | null;
  readonly frames: readonly Frame[];
  /** Of a runaway recursion the frames between its top and who started it. */
  readonly gap?: FrameGap;
  /** Why the walk ended early or the thread is missing, in a few words; null when it ended where it should. */
  readonly unwindError: string | null;
}

export interface SignalReport {
  readonly number: number;
  /** si_code as the client reported it (the re-raise may have changed the kernel's). */
  readonly code: number;
  /** si_addr, all 64 bits (0xffffffffffffffff is a usual one); null where the signal carries none. */
  readonly faultAddress: bigint | null;
  /** Sender, when si_code says that a user sent it. */
  readonly senderPid: number | null;
  readonly senderUid: number | null;
}

/** How a system without Linux's signals says that a process crashed. */
export interface ExceptionReport {
  /** `EXCEPTION_ACCESS_VIOLATION_READ`, `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS` */
  readonly reason: string;
  readonly address: bigint;
}

/**
 * One line of /proc/PID/maps. Bounds are multiples of the page size: exact as Numbers even above 2^53 (`[vsyscall]`).
 */
export interface MapReport {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** `rwxp` as /proc/PID/maps has it. */
  readonly perms: string;
  readonly offset: number;
  /** Path or bracketed name as /proc/PID/maps has it, '' when anonymous. */
  readonly name: string;
  /** Lower-case hex when an ELF image with a build id begins at `start`, else null. */
  readonly buildId: string | null;
  /** p_vaddr - p_offset of the first executable segment of that ELF; 0 when none begins here. */
  readonly loadBias: number;
}

export interface LogTail {
  /** Name of the buffer: main, system, or a file's name. */
  readonly name: string;
  /** Complete lines, as printed. */
  readonly lines: readonly string[];
}

/** Something that could not be captured or resolved, and why. */
export interface SoftError {
  /** The step that lost it: freeze, registers, stack, memory, module, unwind, symbols, ... */
  readonly step: string;
  readonly message: string;
}

export type ReportKind = 'crash' | 'tombstone' | 'backtrace';

export interface Report {
  readonly kind: ReportKind;
  readonly arch: Arch;
  readonly fingerprint: string;
  readonly revision: string;
  /** Time of the freeze: milliseconds since the epoch, and the machine's offset from UTC in minutes (east positive). */
  readonly timeMs: number;
  readonly utcOffsetMinutes: number;
  readonly pid: number;
  readonly uid: number;
  /** The crashed or requested thread. */
  readonly tid: number;
  /** argv; empty when unreadable. */
  readonly commandLine: readonly string[];
  /** Null when there was no signal (engraving a foreign dump without an exception). */
  readonly signal: SignalReport | null;
  /** Where there was no signal, the exception of another system; null where the dump has none. */
  readonly exception: ExceptionReport | null;
  readonly abortMessage: string | null;
  /** What the program said of itself before, in its order; empty where it said nothing. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
  /** The crashed or requested thread first, then the others by ascending tid. */
  readonly threads: readonly ThreadReport[];
  readonly maps: readonly MapReport[];
  /** The copied memory: stacks, memory around registers and pc. */
  readonly memory: Memory;
  /** Last lines of each configured log (printed where the tombstone has its log tail). */
  readonly logs: readonly LogTail[];
  /** The function that covers an address, for the stack section; null when unknown. */
  functionAt(address: number): { readonly name: string; readonly offset: number } | null;
  readonly softErrors: readonly SoftError[];
}
