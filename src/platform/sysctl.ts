/** Settings of the running kernel below /proc/sys (proc_sys(5)). */
import { readFileSync } from 'node:fs';

/** The whole number that `name` (`kernel/overflowuid`) holds; `missing` where the kernel does not have it. */
export function readSysctl(name: string, missing: number): number {
  try {
    const text = readFileSync(`/proc/sys/${name}`, 'latin1').trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : missing;
  } catch {
    return missing;
  }
}
