/** What the signal was: from the kernel's siginfo_t, the exception stream, and what the crashing client said. */

import { hasFaultAddress, Signal } from '../../linux/signals.js';
import { Platform } from '../../minidump/format/system.js';
import { crashAddress, crashReason } from '../../minidump/reader/crash-reason.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import type { ExceptionReport, SignalReport } from '../model/report.js';

/** MD_EXCEPTION_CODE_LIN_DUMP_REQUESTED */
const DUMP_REQUESTED = 0xffffffff;
/** siginfo_t of a 64-bit tracer: si_signo, si_errno, si_code, then the union with si_addr, or si_pid and si_uid. */
const SIGINFO = { size: 128, number: 0, code: 8, address: 16, pid: 16, uid: 20 } as const;
const MAX_SIGNAL = 64;
/** Sent by a process: SI_USER, SI_QUEUE, SI_TKILL (sigaction(2)). */
const SENT_BY_USER: ReadonlySet<number> = new Set([0, -1, -6]);

/** An asked-for dump stops its target, as Android's has it. */
const STOPPED: SignalReport = {
  number: Signal.STOP,
  code: 0,
  faultAddress: null,
  senderPid: null,
  senderUid: null,
};

interface KernelSignal {
  readonly number: number;
  readonly code: number;
  readonly address: bigint;
  readonly sender: { readonly pid: number; readonly uid: number } | null;
}

function fromSiginfo(siginfo: Uint8Array | null): KernelSignal | null {
  if (siginfo === null || siginfo.length < SIGINFO.size) return null;
  const view = new DataView(siginfo.buffer, siginfo.byteOffset, siginfo.byteLength);
  const number = view.getInt32(SIGINFO.number, true);
  const code = view.getInt32(SIGINFO.code, true);
  if (number < 1 || number > MAX_SIGNAL) return null;
  const sender = { pid: view.getInt32(SIGINFO.pid, true), uid: view.getUint32(SIGINFO.uid, true) };
  return {
    number,
    code,
    address: view.getBigUint64(SIGINFO.address, true),
    sender: SENT_BY_USER.has(code) ? sender : null,
  };
}

function fromException(dump: Minidump): KernelSignal | null {
  const exception = dump.tolerate(() => dump.exception, null);
  if (!hasSignals(dump)) return null;
  if (exception === null || exception.code < 1 || exception.code > MAX_SIGNAL) return null;
  return { number: exception.code, code: exception.flags | 0, address: exception.address, sender: null };
}

/** Elsewhere the same numbers are others: EXC_BAD_ACCESS is 1. A dump that names no system is taken for Linux's. */
function hasSignals(dump: Minidump): boolean {
  const system = dump.tolerate(() => dump.systemInfo, null);
  return system === null || system.platform === Platform.linux || system.platform === Platform.android;
}

/** The exception in the words of the dump's system; null when the dump has none. */
export function exceptionOf(dump: Minidump): ExceptionReport | null {
  const exception = dump.tolerate(() => dump.exception, null);
  if (exception === null) return null;
  const { platform, architecture } = dump.tolerate(() => dump.systemInfo, null) ?? {
    platform: null,
    architecture: null,
  };
  return {
    reason: crashReason(exception, platform, architecture),
    address: crashAddress(exception, platform, dump.wordSize),
  };
}

/** Null when there was no signal. */
export function signalOf(dump: Minidump): SignalReport | null {
  const info = dump.tolerate(() => dump.info, null);
  if (info !== null && info.kind !== 'crash') return STOPPED;
  const requested = dump.tolerate(() => dump.exception, null)?.code === DUMP_REQUESTED;
  if (info === null && requested && hasSignals(dump)) return STOPPED;
  const kernel = fromSiginfo(dump.tolerate(() => dump.siginfo, null)) ?? fromException(dump);
  if (kernel === null) return null;
  return {
    number: kernel.number,
    code: info?.originalSiCode ?? kernel.code,
    faultAddress: hasFaultAddress(kernel.number, kernel.code) ? kernel.address : null,
    senderPid: kernel.sender?.pid ?? null,
    senderUid: kernel.sender?.uid ?? null,
  };
}
