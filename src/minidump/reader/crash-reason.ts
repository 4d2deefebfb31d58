/**
 * Why a process died, in the words that Breakpad's minidump_stackwalk prints: `SIGSEGV /SEGV_MAPERR`,
 * `EXCEPTION_ACCESS_VIOLATION_READ`, `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`; a code that it does not name is its
 * number there and here (`SIGSEGV /0x00000080`). Sources of the codes: signal(7), sigaction(2); ntstatus.h;
 * mach/exception_types.h, mach/i386/exception.h, mach/arm/exception.h.
 */

import { DUMP_REQUESTED } from '../format/structs.js';
import { Platform, ProcessorArchitecture } from '../format/system.js';
import type { MinidumpException } from './exception.js';
import { fastFailName } from './fast-fail.js';

/** By number on x86 and arm, from 1. */
const SIGNALS = `
  HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT
  CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS`
  .trim()
  .split(/\s+/)
  .map((name) => `SIG${name}`);

/** Names of si_code from 1 on. */
const LINUX_CODES: ReadonlyMap<string, readonly string[]> = new Map([
  ['SIGILL', 'ILL_ILLOPC ILL_ILLOPN ILL_ILLADR ILL_ILLTRP ILL_PRVOPC ILL_PRVREG ILL_COPROC ILL_BADSTK'.split(' ')],
  ['SIGBUS', 'BUS_ADRALN BUS_ADRERR BUS_OBJERR BUS_MCEERR_AR BUS_MCEERR_AO'.split(' ')],
  ['SIGFPE', 'FPE_INTDIV FPE_INTOVF FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB'.split(' ')],
  [
    'SIGSEGV',
    'MAPERR ACCERR BNDERR PKUERR ACCADI ADIDERR ADIPERR MTEAERR MTESERR'.split(' ').map((name) => `SEGV_${name}`),
  ],
]);

/** STATUS_* by value, named as Breakpad does. */
const WINDOWS: ReadonlyMap<number, string> = new Map([
  [0x40000005, 'EXCEPTION_SEGMENT_NOTIFICATION'],
  [0x40010005, 'DBG_CONTROL_C'],
  [0x40010008, 'DBG_CONTROL_BREAK'],
  [0x80000001, 'EXCEPTION_GUARD_PAGE'],
  [0x80000002, 'EXCEPTION_DATATYPE_MISALIGNMENT'],
  [0x80000003, 'EXCEPTION_BREAKPOINT'],
  [0x80000004, 'EXCEPTION_SINGLE_STEP'],
  [0xc0000005, 'EXCEPTION_ACCESS_VIOLATION'],
  [0xc0000006, 'EXCEPTION_IN_PAGE_ERROR'],
  [0xc0000008, 'EXCEPTION_INVALID_HANDLE'],
  [0xc0000017, 'EXCEPTION_NO_MEMORY'],
  [0xc000001d, 'EXCEPTION_ILLEGAL_INSTRUCTION'],
  [0xc0000025, 'EXCEPTION_NONCONTINUABLE_EXCEPTION'],
  [0xc0000026, 'EXCEPTION_INVALID_DISPOSITION'],
  [0xc000008c, 'EXCEPTION_ARRAY_BOUNDS_EXCEEDED'],
  [0xc000008d, 'EXCEPTION_FLT_DENORMAL_OPERAND'],
  [0xc000008e, 'EXCEPTION_FLT_DIVIDE_BY_ZERO'],
  [0xc000008f, 'EXCEPTION_FLT_INEXACT_RESULT'],
  [0xc0000090, 'EXCEPTION_FLT_INVALID_OPERATION'],
  [0xc0000091, 'EXCEPTION_FLT_OVERFLOW'],
  [0xc0000092, 'EXCEPTION_FLT_STACK_CHECK'],
  [0xc0000093, 'EXCEPTION_FLT_UNDERFLOW'],
  [0xc0000094, 'EXCEPTION_INT_DIVIDE_BY_ZERO'],
  [0xc0000095, 'EXCEPTION_INT_OVERFLOW'],
  [0xc0000096, 'EXCEPTION_PRIV_INSTRUCTION'],
  [0xc00000fd, 'EXCEPTION_STACK_OVERFLOW'],
  [0xc0000194, 'EXCEPTION_POSSIBLE_DEADLOCK'],
  [0xc0000374, 'EXCEPTION_HEAP_CORRUPTION'],
  [0xc0000409, 'EXCEPTION_STACK_BUFFER_OVERRUN'],
  [0xe0000008, 'Out of Memory'],
  [0xe06d7363, 'Unhandled C++ Exception'],
  [0x0517a7ed, 'Simulated Exception'],
]);

const ACCESS: ReadonlyMap<bigint, string> = new Map([
  [0n, 'READ'],
  [1n, 'WRITE'],
  [8n, 'EXEC'],
]);

const MACH: ReadonlyMap<number, string> = new Map([
  [1, 'EXC_BAD_ACCESS'],
  [2, 'EXC_BAD_INSTRUCTION'],
  [3, 'EXC_ARITHMETIC'],
  [4, 'EXC_EMULATION'],
  [5, 'EXC_SOFTWARE'],
  [6, 'EXC_BREAKPOINT'],
  [7, 'EXC_SYSCALL'],
  [8, 'EXC_MACH_SYSCALL'],
  [9, 'EXC_RPC_ALERT'],
  [10, 'EXC_CRASH'],
  [11, 'EXC_RESOURCE'],
  [12, 'EXC_GUARD'],
  [0x43507378, 'Simulated Exception'],
]);

type Codes = ReadonlyMap<number, string>;

/** What the flags of an exception say on every CPU, by exception: of EXC_BAD_ACCESS a kern_return_t. */
const MACH_CODES: ReadonlyMap<number, Codes> = new Map([
  [
    1,
    new Map([
      [1, 'KERN_INVALID_ADDRESS'],
      [2, 'KERN_PROTECTION_FAILURE'],
      [8, 'KERN_NO_ACCESS'],
      [9, 'KERN_MEMORY_FAILURE'],
      [10, 'KERN_MEMORY_ERROR'],
      [50, 'KERN_CODESIGN_ERROR'],
    ]),
  ],
  [
    5,
    new Map([
      [0x10002, 'SIGABRT'],
      [0xdeadc0de, 'UNCAUGHT_NS_EXCEPTION'],
    ]),
  ],
]);

const MACH_X86: ReadonlyMap<number, Codes> = new Map([
  [1, new Map([[13, 'EXC_I386_GPFLT']])],
  [
    2,
    new Map([
      [1, 'EXC_I386_INVOP'],
      [10, 'EXC_INVTSSFLT'],
      [11, 'EXC_SEGNPFLT'],
      [12, 'EXC_STKFLT'],
      [13, 'EXC_GPFLT'],
      [17, 'EXC_ALIGNFLT'],
    ]),
  ],
  [
    3,
    new Map(
      'DIV INTO NOEXT EXTOVR EXTERR EMERR BOUND SSEEXTERR'.split(' ').map((name, i) => [i + 1, `EXC_I386_${name}`]),
    ),
  ],
  [
    6,
    new Map([
      [1, 'EXC_I386_SGL'],
      [2, 'EXC_I386_BPT'],
    ]),
  ],
]);

const MACH_ARM: ReadonlyMap<number, Codes> = new Map([
  [
    1,
    new Map([
      [0x101, 'EXC_ARM_DA_ALIGN'],
      [0x102, 'EXC_ARM_DA_DEBUG'],
    ]),
  ],
  [2, new Map([[1, 'EXC_ARM_UNDEFINED']])],
  [6, new Map([[1, 'EXC_ARM_BREAKPOINT']])],
]);

const { x86, amd64, arm, arm64, arm64Old } = ProcessorArchitecture;
const MACH_BY_CPU: ReadonlyMap<number, ReadonlyMap<number, Codes>> = new Map([
  [x86, MACH_X86],
  [amd64, MACH_X86],
  [arm, MACH_ARM],
  [arm64, MACH_ARM],
  [arm64Old, MACH_ARM],
]);
/** Exceptions that have nothing beside their name. */
const MACH_BARE: ReadonlySet<number> = new Set([10, 0x43507378]);

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/**
 * `platform`: Platform of the system info, null when the dump has none (taken for Linux); `architecture`: its
 * ProcessorArchitecture, on which the words of macOS depend.
 */
export function crashReason(
  exception: MinidumpException,
  platform: number | null,
  architecture: number | null = null,
): string {
  const unknown = `${hex32(exception.code)} / ${hex32(exception.flags)}`;
  switch (platform) {
    case null:
    case Platform.linux:
    case Platform.android:
      return linuxReason(exception) ?? unknown;
    case Platform.windowsNt:
    case Platform.windows:
      return windowsReason(exception) ?? unknown;
    case Platform.macos:
    case Platform.ios:
      return machReason(exception, architecture) ?? unknown;
    default:
      return unknown;
  }
}

function linuxReason({ code, flags }: MinidumpException): string | null {
  if (code === DUMP_REQUESTED) return 'DUMP_REQUESTED';
  const signal = SIGNALS[code - 1];
  if (signal === undefined) return null;
  const codes = LINUX_CODES.get(signal);
  if (codes === undefined) return signal;
  const name = codes[flags - 1] ?? hex32(flags);
  // Breakpad has no space here, and scripts match on it.
  return signal === 'SIGSEGV' ? `SIGSEGV /${name}` : `${signal} / ${name}`;
}

function windowsReason({ code, parameters }: MinidumpException): string | null {
  const name = WINDOWS.get(code);
  if (name === undefined) return null;
  const access = ACCESS.get(parameters[0] ?? -1n);
  switch (code) {
    case 0xc0000005:
      return access === undefined ? name : `${name}_${access}`;
    case 0xc0000006: {
      const status = parameters[2] === undefined ? '' : ` / ${hex32(Number(BigInt.asUintN(32, parameters[2])))}`;
      return access === undefined ? name : `${name}_${access}${status}`;
    }
    case 0xc0000409:
      return fastFailName(parameters[0] ?? -1n) ?? name;
    default:
      return name;
  }
}

function machReason({ code, flags }: MinidumpException, architecture: number | null): string | null {
  const name = MACH.get(code);
  if (name === undefined || MACH_BARE.has(code)) return name ?? null;
  const detail =
    MACH_CODES.get(code)?.get(flags) ??
    MACH_BY_CPU.get(architecture ?? -1)
      ?.get(code)
      ?.get(flags);
  return `${name} / ${detail ?? hex32(flags)}`;
}

/**
 * Where it went wrong: what the exception says, for access violations of Windows the address that was touched.
 * `wordSize`: of the process; some writers extend addresses of 32 bits by their sign.
 */
export function crashAddress(exception: MinidumpException, platform: number | null, wordSize: 4 | 8 = 8): bigint {
  const touched = exception.parameters[1];
  const windows = platform === Platform.windowsNt || platform === Platform.windows;
  const access = exception.code === 0xc0000005 || exception.code === 0xc0000006;
  return BigInt.asUintN(8 * wordSize, windows && access && touched !== undefined ? touched : exception.address);
}
