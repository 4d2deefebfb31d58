/**
 * The kernel's log, /dev/kmsg (Documentation/ABI/testing/dev-kmsg): one record a read,
 * `priority,sequence,microseconds,flags;text`. Only there does the kernel say whom it ended for want of memory: who
 * waits for the process learns of a SIGKILL.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';

/** The kernel cuts records at that (CONSOLE_EXT_LOG_MAX). */
const RECORD_BYTES = 8192;
/** More than the largest log has as a rule. */
const MAX_RECORDS = 32_768;

/**
 * Whether one of the records says that process `pid` was killed for want of memory after `sinceUs` (CLOCK_MONOTONIC,
 * µs).
 */
export function tellsMemoryKill(records: Iterable<string>, pid: number, sinceUs: number): boolean {
  for (const record of records) {
    const match = /^\d+,\d+,(\d+),[^;]*;[^\n]*\bKilled process (\d+) \(/.exec(record);
    if (match !== null && Number(match[2]) === pid && Number(match[1]) >= sinceUs) return true;
  }
  return false;
}

/** What is in the log now, the oldest first; nothing where this process may not read it. */
export function* readKernelLog(): Generator<string> {
  let fd: number;
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  try {
    const buffer = Buffer.alloc(RECORD_BYTES);
    for (let i = 0; i < MAX_RECORDS; i++) {
      const length = readRecord(fd, buffer);
      if (length < 0) return;
      yield buffer.toString('latin1', 0, length);
    }
  } finally {
    closeSync(fd);
  }
}

/** Its length; 0 where it was overwritten meanwhile, -1 after the last. */
function readRecord(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer) || -1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : -1;
  }
}
