/** Thread list, thread names, thread info list. */

import { StreamType } from '../format/stream-types.js';
import { THREAD, THREAD_INFO, THREAD_INFO_HEADER, THREAD_NAME } from '../format/structs.js';
import type { DumpFile, Location } from './dump-file.js';
import { readCountedList, readSizedList } from './list.js';

export interface MinidumpThread {
  readonly tid: number;
  readonly suspendCount: number;
  readonly priorityClass: number;
  readonly priority: number;
  readonly teb: bigint;
  /** Null when no stack was captured. `rva` of a stack that lies in the memory64 list only is 0 and so null too. */
  readonly stack: (Location & { readonly address: number }) | null;
  /** Null when no registers were captured. Bytes: `Minidump.threadContext`. */
  readonly context: Location | null;
}

export function readThreads(dump: DumpFile): MinidumpThread[] | null {
  const entries = readCountedList(dump, StreamType.threadList, THREAD, dump.limits.threads, 'threads');
  return (
    entries?.map((entry) => ({
      tid: entry.tid,
      suspendCount: entry.suspendCount,
      priorityClass: entry.priorityClass,
      priority: entry.priority,
      teb: entry.teb,
      stack:
        entry.stackSize === 0 || entry.stackRva === 0
          ? null
          : { address: entry.stackStart, size: entry.stackSize, rva: entry.stackRva },
      context: entry.contextSize === 0 ? null : { size: entry.contextSize, rva: entry.contextRva },
    })) ?? null
  );
}

/** By tid; of two names of one tid the last. A name that cannot be read goes to `problems`. */
export function readThreadNames(dump: DumpFile): Map<number, string> | null {
  const entries = readCountedList(dump, StreamType.threadNames, THREAD_NAME, dump.limits.threads, 'names');
  if (entries === null) return null;
  const names = new Map<number, string>();
  for (const { tid, nameRva } of entries) {
    const name = dump.tolerate(() => dump.mdString(`name of thread ${tid}`, nameRva), null);
    if (name !== null) names.set(tid, name);
  }
  return names;
}

export interface MinidumpThreadInfo {
  readonly tid: number;
  readonly dumpFlags: number;
  readonly dumpError: number;
  readonly exitStatus: number;
  /** 100 ns since 1601, 0 when unknown. */
  readonly createTime: bigint;
  readonly exitTime: bigint;
  /** 100 ns. */
  readonly kernelTime: bigint;
  readonly userTime: bigint;
  readonly startAddress: bigint;
  readonly affinity: bigint;
}

export function readThreadInfo(dump: DumpFile): MinidumpThreadInfo[] | null {
  const { threads } = dump.limits;
  return readSizedList(dump, StreamType.threadInfoList, THREAD_INFO_HEADER, THREAD_INFO, threads, 'threads');
}
