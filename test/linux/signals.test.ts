import { describe, expect, it } from 'vitest';
import { codeName, hasFaultAddress, signalName } from '../../src/linux/signals.js';
import { signalLine } from '../../src/report/classic/signal-line.js';
import { signal } from '../report/build-report.js';

describe('signalName', () => {
  it.each([
    [4, 'SIGILL'],
    [5, 'SIGTRAP'],
    [6, 'SIGABRT'],
    [7, 'SIGBUS'],
    [8, 'SIGFPE'],
    [11, 'SIGSEGV'],
    [16, 'SIGSTKFLT'],
    [19, 'SIGSTOP'],
    [31, 'SIGSYS'],
    [0, '?'],
    [15, '?'],
    [64, '?'],
  ])('%i is %s', (number, name) => {
    expect(signalName(number)).toBe(name);
  });
});

describe('codeName', () => {
  it.each([
    [4, 'ILL_ILLOPC ILL_ILLOPN ILL_ILLADR ILL_ILLTRP ILL_PRVOPC ILL_PRVREG ILL_COPROC ILL_BADSTK'],
    [7, 'BUS_ADRALN BUS_ADRERR BUS_OBJERR BUS_MCEERR_AR BUS_MCEERR_AO'],
    [8, 'FPE_INTDIV FPE_INTOVF FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB'],
    [11, 'SEGV_MAPERR SEGV_ACCERR SEGV_BNDERR'],
    [5, 'TRAP_BRKPT TRAP_TRACE TRAP_BRANCH TRAP_HWBKPT'],
    [31, 'SYS_SECCOMP SYS_USER_DISPATCH'],
  ])('names the codes of signal %i from 1 on', (number, names) => {
    expect(
      names
        .split(' ')
        .map((_, i) => codeName(number, i + 1))
        .join(' '),
    ).toBe(names);
  });

  it.each([
    [0, 'SI_USER'],
    [128, 'SI_KERNEL'],
    [-1, 'SI_QUEUE'],
    [-2, 'SI_TIMER'],
    [-3, 'SI_MESGQ'],
    [-4, 'SI_ASYNCIO'],
    [-5, 'SI_SIGIO'],
    [-6, 'SI_TKILL'],
    [-7, 'SI_DETHREAD'],
    [-8, '?'],
    [99, '?'],
    [2 ** 31 - 1, '?'],
  ])('code %i of any signal is %s', (code, name) => {
    expect(codeName(11, code)).toBe(name);
    expect(codeName(6, code)).toBe(name);
  });

  it('knows no code 1 of a signal without codes', () => {
    expect(codeName(6, 1)).toBe('?');
  });
});

describe('hasFaultAddress', () => {
  it.each([4, 5, 7, 8, 11])('signal %i from the kernel has one', (number) => {
    expect(hasFaultAddress(number, 1)).toBe(true);
    expect(hasFaultAddress(number, 0x80)).toBe(true);
  });
  it.each([6, 13, 16, 19, 31])('signal %i has none', (number) => {
    expect(hasFaultAddress(number, 1)).toBe(false);
  });
  it.each([0, -1, -6])('code %i: the bytes are the sender', (code) => {
    expect(hasFaultAddress(11, code)).toBe(false);
  });
});

describe('signalLine', () => {
  it.each([
    [signal({ faultAddress: 0xdeadn }), 'signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0xdead'],
    [signal({ faultAddress: 0n }), 'signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0'],
    [
      signal({ code: 2, faultAddress: 0xffffffffffffffffn }),
      'signal 11 (SIGSEGV), code 2 (SEGV_ACCERR), fault addr 0xffffffffffffffff',
    ],
    [
      signal({ number: 6, code: -6, faultAddress: null }),
      'signal 6 (SIGABRT), code -6 (SI_TKILL), fault addr --------',
    ],
    [signal({ number: 19, code: 0, faultAddress: null }), 'signal 19 (SIGSTOP), code 0 (SI_USER), fault addr --------'],
    [signal({ number: 34, code: 7, faultAddress: null }), 'signal 34 (?), code 7 (?), fault addr --------'],
  ])('%#', (value, line) => {
    expect(signalLine(value)).toBe(line);
  });
});
