/**
 * Names of signals and of their si_code values. Sources: signal(7), sigaction(2), the kernel's
 * include/uapi/asm-generic/siginfo.h. What a classic tombstone cannot name it prints as `?`.
 */

/** Linux signal numbers as arm and x86 have them, for the signals that reports name. */
export const Signal = {
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  SEGV: 11,
  STKFLT: 16,
  STOP: 19,
  SYS: 31,
} as const;

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Signal).map(([name, number]) => [number, `SIG${name}`]),
);

/** Codes from 1 on, in order, by signal. */
const SIGNAL_CODES: ReadonlyMap<number, readonly string[]> = new Map([
  [
    Signal.ILL,
    'ILLOPC ILLOPN ILLADR ILLTRP PRVOPC PRVREG COPROC BADSTK BADIADDR BREAK BNDMOD'.split(' ').map((n) => `ILL_${n}`),
  ],
  [Signal.BUS, 'ADRALN ADRERR OBJERR MCEERR_AR MCEERR_AO'.split(' ').map((n) => `BUS_${n}`)],
  [
    Signal.FPE,
    'INTDIV INTOVF FLTDIV FLTOVF FLTUND FLTRES FLTINV FLTSUB DECOVF DECDIV DECERR INVASC INVDEC FLTUNK CONDTRAP'
      .split(' ')
      .map((n) => `FPE_${n}`),
  ],
  [
    Signal.SEGV,
    'MAPERR ACCERR BNDERR PKUERR ACCADI ADIDERR ADIPERR MTEAERR MTESERR CPERR'.split(' ').map((n) => `SEGV_${n}`),
  ],
  [Signal.TRAP, 'BRKPT TRACE BRANCH HWBKPT UNDIAGNOSED PERF'.split(' ').map((n) => `TRAP_${n}`)],
  [Signal.SYS, 'SECCOMP USER_DISPATCH'.split(' ').map((n) => `SYS_${n}`)],
]);

/** Codes that any signal may carry. */
const COMMON_CODES: ReadonlyMap<number, string> = new Map([
  [0, 'SI_USER'],
  [0x80, 'SI_KERNEL'],
  [-1, 'SI_QUEUE'],
  [-2, 'SI_TIMER'],
  [-3, 'SI_MESGQ'],
  [-4, 'SI_ASYNCIO'],
  [-5, 'SI_SIGIO'],
  [-6, 'SI_TKILL'],
  [-7, 'SI_DETHREAD'],
]);

/** `SIGSEGV`, or `?` for a signal that tombstones do not name. */
export function signalName(number: number): string {
  return SIGNAL_NAMES.get(number) ?? '?';
}

/** `SEGV_MAPERR`, `SI_USER`, or `?`. `code` is si_code as a signed number. */
export function codeName(signal: number, code: number): string {
  return SIGNAL_CODES.get(signal)?.[code - 1] ?? COMMON_CODES.get(code) ?? '?';
}

/**
 * Whether si_addr holds an address: BUS FPE ILL SEGV and TRAP raised by the kernel. Where a process sent the signal
 * (si_code of 0 or less, see sigaction(2)) those bytes are the sender's pid and uid.
 */
export function hasFaultAddress(signal: number, code: number): boolean {
  return code > 0 && SIGNAL_CODES.has(signal) && signal !== Signal.SYS;
}
