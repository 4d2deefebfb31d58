/** All readable memory of a process: which ranges that is, and sending them through a socket a piece at a time. */

import { closeSync, openSync, readSync } from 'node:fs';
import { isDevicePath } from '../../linux/device-path.js';
import { type MapsEntry, parseMaps } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import { readProcFile } from '../../platform/proc-file.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { CaptureError, type Losses } from '../failure.js';

/** No CPU has smaller ones. */
const PAGE = 4096;
const MAPS_BYTES = 32 * 1024 * 1024;
const PIECE = 1024 * 1024;
/** Entries of /proc/PID/pagemap read at once. */
const ENTRIES = 64 * 1024;
/** Untouched pages between touched ones that are kept for the sake of fewer ranges. */
const GAP = 16;
const MAX_RANGES = 500_000;
/** A reader of ours that takes nothing for so long has gone. */
const SEND_MS = 30_000;

/**
 * What is mapped readable, devices apart. Of private anonymous memory the pages that were never touched are left out:
 * they hold zeros, and reserving a terabyte costs nobody anything. `pageSize`: AT_PAGESZ; `served`: mappings that must
 * not be touched.
 */
export function fullRanges(pid: number, pageSize: number, served: readonly MapsEntry[], losses: Losses): CopyRange[] {
  const maps = readProcFile(`/proc/${pid}/maps`, MAPS_BYTES);
  if (!maps.ok) throw new CaptureError(`/proc/${pid}/maps: ${maps.code}`);
  const ranges: { address: number; size: number }[] = [];
  let pagemap = -1;
  try {
    pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  } catch {
    // All of it, then.
  }
  try {
    for (const mapping of parseMaps(maps.bytes).mappings) {
      if (!isMemory(mapping)) continue;
      const { start, end, inode, perms } = mapping;
      if (served.some((other) => start < other.end && other.start < end)) {
        losses.add('memory', `0x${start.toString(16)}: ${mapping.name}: on a file system that a process serves`);
        continue;
      }
      if (pagemap >= 0 && inode === 0 && perms[3] === 'p') addTouched(ranges, pagemap, pageSize, start, end);
      else ranges.push({ address: start, size: end - start });
      if (ranges.length > MAX_RANGES) {
        losses.add('memory', `what lies above 0x${end.toString(16)}: more than ${MAX_RANGES} ranges`);
        break;
      }
    }
  } finally {
    if (pagemap >= 0) closeSync(pagemap);
  }
  return ranges;
}

function isMemory({ perms, name }: MapsEntry): boolean {
  if (perms[0] !== 'r' || name.startsWith('[vvar') || name === '[vsyscall]') return false;
  // Of /dev/zero a private or shared mapping is plain memory (zero(4)).
  return !isDevicePath(name) || name.startsWith('/dev/zero');
}

/** Bits 63 (present) and 62 (swapped) of an entry say that the page was touched (proc_pid_pagemap(5)). */
function addTouched(
  ranges: { address: number; size: number }[],
  pagemap: number,
  page: number,
  start: number,
  end: number,
): void {
  const entries = Buffer.alloc(8 * Math.min(ENTRIES, (end - start) / page));
  let last: { address: number; size: number } | null = null;
  for (let at = start; at < end; ) {
    const wanted = Math.min(entries.length, (8 * (end - at)) / page);
    const got = readSync(pagemap, entries, 0, wanted, (8 * at) / page);
    if (got <= 0) {
      ranges.push({ address: at, size: end - at });
      return;
    }
    for (let i = 0; i + 8 <= got; i += 8, at += page) {
      if (entries[i + 7]! < 0x40) continue;
      if (last !== null && at - (last.address + last.size) <= GAP * page) last.size = at + page - last.address;
      else {
        last = { address: at, size: page };
        ranges.push(last);
      }
    }
  }
}

/**
 * Sends the ranges' bytes, zeros for what cannot be read. Throws CaptureError when the process or the reader has gone.
 */
export function sendRanges(addon: TracingAddon, socket: number, pid: number, ranges: readonly CopyRange[]): void {
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  // It is the daemon's client, and the daemon does not read or write there meanwhile.
  addon.setNonBlocking(socket, false);
  addon.setTimeouts(socket, { sendMs: SEND_MS });
  for (const { address, size } of ranges) {
    for (let done = 0; done < size; ) {
      const length = Math.min(PIECE, size - done);
      readWhole(addon, pid, address + done, buffer.subarray(0, length));
      send(addon, socket, buffer.subarray(0, length));
      done += length;
    }
  }
}

function readWhole(addon: TracingAddon, pid: number, address: number, into: Buffer): void {
  for (let done = 0; done < into.length; ) {
    const got = read(addon, pid, address + done, into.subarray(done));
    done += got;
    if (done === into.length) return;
    // A page that is not readable after all.
    const page = PAGE - ((address + done) % PAGE);
    into.fill(0, done, done + page);
    done += page;
  }
}

function read(addon: TracingAddon, pid: number, address: number, into: Buffer): number {
  try {
    return addon.readMemory(pid, address, into);
  } catch {
    throw new CaptureError(`process ${pid} has ended before its memory was copied`);
  }
}

function send(addon: TracingAddon, socket: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    let sent: number | null;
    try {
      sent = addon.sendMessage(socket, bytes.subarray(done));
    } catch {
      throw new CaptureError('the client has gone before it had all memory');
    }
    if (sent === null) throw new CaptureError('the client does not take the memory');
    done += sent;
  }
}
