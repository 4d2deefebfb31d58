/**
 * How the bytes of a dump are shared out, so that its cap holds whatever the process is like. Of the cap an eighth is
 * left for what completes the dump on disk (build ids, frames). Of the rest the tables come first, each with a bound of
 * its own; `planCopy` then gives stacks and memory what remains; texts that the dump can do without take what is still
 * free.
 */
import type { Arch } from '../../arch/arch.js';
import type { CaptureLimits } from '../../wire/job.js';

/** Entry, name and stack's descriptor of a thread; its registers come twice, as the kernel's set and as a context. */
const BYTES_PER_ENTRY = 160;

/** Bytes of the copy at most. */
export function copyBytes({ dumpBytes }: CaptureLimits): number {
  return dumpBytes - Math.floor(dumpBytes / 8);
}

/** Bytes of /proc/PID/maps that are kept at most; at the default cap a hundred thousand lines would not fit. */
export function mapsBytes(limits: CaptureLimits): number {
  return Math.floor(copyBytes(limits) / 4);
}

/** Bytes of the module list at most. */
export function moduleBytes(limits: CaptureLimits): number {
  return Math.floor(copyBytes(limits) / 8);
}

export interface ThreadShares {
  /** The first so many threads are there with registers. */
  readonly whole: number;
  /** The first so many are listed at all. */
  readonly listed: number;
  /** Bytes that they take, stacks apart. */
  readonly bytes: number;
}

/** `overhead`: bytes of what else is in the copy, memory apart. */
export function threadShares(arch: Arch, count: number, overhead: number, limits: CaptureLimits): ThreadShares {
  const bytesPerThread = BYTES_PER_ENTRY + arch.context.size + arch.prstatusSize + 32;
  const room = Math.max(0, copyBytes(limits) - overhead);
  const whole = Math.min(count, Math.max(1, Math.floor((room * 5) / 8 / bytesPerThread)));
  const listed = Math.min(count, whole + Math.floor(room / 4 / BYTES_PER_ENTRY));
  return { whole, listed, bytes: whole * bytesPerThread + (listed - whole) * BYTES_PER_ENTRY };
}

/** The first whole lines of a text, at most `limit` bytes. */
export function wholeLines(text: Buffer, limit: number): Buffer {
  if (text.length <= limit) return text;
  return text.subarray(0, text.subarray(0, limit).lastIndexOf(0x0a) + 1);
}
