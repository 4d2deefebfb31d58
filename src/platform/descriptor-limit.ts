/** How many descriptors this process may have open, and has. */
import { readdirSync, readFileSync } from 'node:fs';

/** What a process has where nothing else is known. */
const USUAL = 1024;

/** RLIMIT_NOFILE of this process (proc(5), /proc/PID/limits): one more than the largest descriptor. */
export function readDescriptorLimit(text?: string): number {
  try {
    const limits = text ?? readFileSync('/proc/self/limits', 'latin1');
    const [, soft] = /^Max open files\s+(\d{1,15}|unlimited)\s/m.exec(limits) ?? [];
    if (soft === 'unlimited') return 2 ** 31;
    return soft === undefined ? USUAL : Number(soft);
  } catch {
    return USUAL;
  }
}

/** Descriptors that are open now. */
export function countDescriptors(): number {
  // One of them is the directory that is read.
  return readdirSync('/proc/self/fd').length - 1;
}
