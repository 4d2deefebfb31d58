/**
 * siginfo_t as PTRACE_GETSIGINFO gives it to a 64-bit tracer (include/uapi/asm-generic/siginfo.h): si_signo at 0,
 * si_errno at 4, si_code at 8, then, at 16, si_addr for faults.
 */
export const SIGINFO_SIZE = 128;

export function signalNumber(siginfo: Buffer): number {
  return siginfo.readInt32LE(0);
}

export function signalCode(siginfo: Buffer): number {
  return siginfo.readInt32LE(8);
}

/** si_addr of a signal that the kernel raised; null for one that somebody sent: si_pid and si_uid lie there then. */
export function faultAddress(siginfo: Buffer): bigint | null {
  return signalCode(siginfo) > 0 ? siginfo.readBigUInt64LE(16) : null;
}
