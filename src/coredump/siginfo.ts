/**
 * siginfo_t (128 bytes) of 32-bit and 64-bit processes: {si_signo, si_errno, si_code}, then the union, which begins at
 * 12 or at 16. Source: include/uapi/asm-generic/siginfo.h.
 */
import { hasFaultAddress } from '../linux/signals.js';

export const SIGINFO_SIZE = 128;
/** Where the union begins: si_addr, or si_pid and si_uid. */
const UNION = { 4: 12, 8: 16 } as const;

/**
 * Rewrites a siginfo of processes with one word size as that of the other: head, address or sender, the sigval's low
 * word.
 */
export function convertSiginfo(bytes: Uint8Array, from: 4 | 8, to: 4 | 8): Uint8Array {
  if (from === to) return bytes;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const result = new Uint8Array(SIGINFO_SIZE);
  const target = new DataView(result.buffer);
  if (bytes.length < SIGINFO_SIZE) return result;
  result.set(bytes.subarray(0, 12));
  const [old, fresh] = [UNION[from], UNION[to]];
  if (hasFaultAddress(source.getInt32(0, true), source.getInt32(8, true))) {
    target.setUint32(fresh, source.getUint32(old, true), true);
    return result;
  }
  // si_pid, si_uid; si_value behind them is a word, on 64 bits aligned already.
  for (const offset of [0, 4, 8]) target.setUint32(fresh + offset, source.getUint32(old + offset, true), true);
  return result;
}

/** si_addr of a fault; 0 for a signal that a process sent: its pid and uid lie there then. */
export function siginfoAddress(bytes: Uint8Array, wordSize: 4 | 8): bigint {
  if (bytes.length < SIGINFO_SIZE) return 0n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!hasFaultAddress(view.getInt32(0, true), view.getInt32(8, true))) return 0n;
  return wordSize === 8 ? view.getBigUint64(UNION[8], true) : BigInt(view.getUint32(UNION[4], true));
}

/** A siginfo made of what an exception stream says. */
export function makeSiginfo(signal: number, code: number, address: bigint, wordSize: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, signal, true);
  view.setInt32(8, code, true);
  if (wordSize === 8) view.setBigUint64(UNION[8], address, true);
  else view.setUint32(UNION[4], Number(BigInt.asUintN(32, address)), true);
  return bytes;
}
