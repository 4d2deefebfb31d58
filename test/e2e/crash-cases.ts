/** What each program of test/programs must look like in a tombstone. */
import type { Architecture } from './architecture.js';

export interface Crash {
  readonly name: string;
  readonly program: string;
  readonly args?: readonly string[];
  /** Of the signal line: number, name, code, code name. */
  readonly signal: readonly [number, string, number, string];
  /** Of the signal line: the fault address; a function of the program's output where that tells it. */
  readonly faultAddress: string | ((output: string) => string) | RegExp;
  /** The program's own frames in the crashed thread, innermost first, without gaps; null is a frame without a name. */
  readonly frames: readonly (string | null)[];
  /** The C library's frames come first: the program crashed in a call of it. */
  readonly inLibrary?: boolean;
}

const segv = [11, 'SIGSEGV', 1, 'SEGV_MAPERR'] as const;
const abort = [6, 'SIGABRT', -6, 'SI_TKILL'] as const;
const none = '--------';
const anyAddress = /^0x[0-9a-f]+$/;
const saidAddress = (output: string) => /^address (0x[0-9a-f]+)$/m.exec(output)?.[1] ?? 'no address said';

export function crashesOn({ family, wordSize }: Architecture): readonly Crash[] {
  const x86 = family === 'x86';
  return [
    {
      name: 'null write',
      program: 'null-write',
      signal: segv,
      faultAddress: '0x0',
      frames: ['write_to_address', 'choose_address', 'main'],
    },
    {
      name: 'wild write',
      program: 'null-write',
      args: ['nowhere'],
      signal: segv,
      faultAddress: '0xdead0',
      frames: ['write_to_address', 'choose_address', 'main'],
    },
    {
      name: 'read-only write',
      program: 'null-write',
      args: ['readonly'],
      signal: [11, 'SIGSEGV', 2, 'SEGV_ACCERR'],
      faultAddress: saidAddress,
      frames: ['write_to_address', 'choose_address', 'main'],
    },
    {
      name: 'abort',
      program: 'abort-message',
      signal: abort,
      faultAddress: none,
      frames: ['give_up', 'check_ledger', 'main'],
      inLibrary: true,
    },
    {
      name: 'assert',
      program: 'assert-message',
      signal: abort,
      faultAddress: none,
      frames: ['check_invariant', 'main'],
      inLibrary: true,
    },
    {
      name: 'divide by zero',
      program: 'divide-by-zero',
      // ARM does not trap a division by zero; the program raises the signal as compiled code does.
      signal: x86 ? [8, 'SIGFPE', 1, 'FPE_INTDIV'] : [8, 'SIGFPE', -6, 'SI_TKILL'],
      faultAddress: x86 ? anyAddress : none,
      frames: ['divide', 'average_of', 'main'],
      inLibrary: !x86,
    },
    {
      name: 'illegal instruction',
      program: 'illegal-instruction',
      signal: x86 ? [4, 'SIGILL', 2, 'ILL_ILLOPN'] : [4, 'SIGILL', 1, 'ILL_ILLOPC'],
      faultAddress: anyAddress,
      frames: ['run_undefined', 'dispatch', 'main'],
    },
    {
      name: 'bus error',
      program: 'bus-error',
      args: ['truncated'],
      signal: [7, 'SIGBUS', 2, 'BUS_ADRERR'],
      faultAddress: saidAddress,
      frames: ['read_page', 'read_truncated', 'main'],
    },
    {
      name: 'trap',
      program: 'trap',
      signal: x86 ? [5, 'SIGTRAP', 128, 'SI_KERNEL'] : [5, 'SIGTRAP', 1, 'TRAP_BRKPT'],
      faultAddress: x86 ? '0x0' : anyAddress,
      frames: ['hit_breakpoint', 'step_over', 'main'],
    },
    {
      name: 'seccomp',
      program: 'seccomp-sigsys',
      signal: [31, 'SIGSYS', 1, 'SYS_SECCOMP'],
      faultAddress: none,
      frames: ['make_forbidden_call', 'leave_sandbox', 'main'],
      inLibrary: true,
    },
    {
      name: 'null call',
      program: 'null-call',
      signal: segv,
      faultAddress: '0x0',
      frames: [null, 'call_pointer', 'fetch_and_call', 'main'],
    },
    {
      name: 'crash in a library',
      program: 'dlopen-library',
      signal: segv,
      faultAddress: '0xdead0',
      frames: ['crashing_library_inner', 'crashing_library_entry', 'call_plugin', 'main'],
    },
    {
      name: 'signals ignored',
      program: 'ignores-signals',
      args: ['ignore'],
      signal: segv,
      faultAddress: '0xdead0',
      frames: ['fault_ignoring', 'refuse_signals', 'main'],
    },
    {
      name: 'signals blocked',
      program: 'ignores-signals',
      args: ['block'],
      signal: abort,
      faultAddress: none,
      frames: ['abort_blocking', 'refuse_signals', 'main'],
      inLibrary: true,
    },
    {
      name: 'uncaught exception',
      program: 'cxx-exception',
      signal: abort,
      faultAddress: none,
      frames: [
        `ledger::Account<long>::withdraw(long)`,
        'ledger::transfer(ledger::Account<long>&, std::pair<int, char const*> const&)',
        'ledger::(anonymous namespace)::Teller::operator()(int) const',
        'main',
      ],
      inLibrary: true,
    },
    {
      name: 'method of a null object',
      program: 'cxx-exception',
      args: ['null'],
      signal: segv,
      faultAddress: anyAddress,
      frames: [
        'ledger::Vault::open(unsigned int)',
        'ledger::visit(ledger::Vault*)::{lambda(int)#1}::operator()(int) const',
        'ledger::visit(ledger::Vault*)',
        'main',
      ],
    },
    {
      name: 'planted registers',
      program: 'planted-registers',
      signal: segv,
      faultAddress: '0xdead0',
      frames: ['plant_and_fault', 'tell_and_plant', 'main'],
    },
    {
      name: 'field of a null structure, in a worker thread',
      program: 'server-crash',
      signal: segv,
      faultAddress: wordSize === 8 ? '0x10' : '0x8',
      frames: ['read_content_length', 'parse_headers', 'handle_request', 'run_worker'],
    },
  ];
}
