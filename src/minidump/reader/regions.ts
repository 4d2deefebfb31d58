/** Memory list, memory64 list, memory info list: where the copied bytes are and what the address space looked like. */

import { readStruct } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import {
  MEMORY_DESCRIPTOR,
  MEMORY_INFO,
  MEMORY_INFO_HEADER,
  MEMORY64_DESCRIPTOR,
  MEMORY64_HEADER,
} from '../format/structs.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';
import { readCountedList, readSizedList } from './list.js';

/** Copied memory: its address in the process, its size, and its place in the file (up to 2^53 for memory64). */
export interface MinidumpRegion {
  readonly address: number;
  readonly size: number;
  readonly rva: number;
}

export function readMemoryList(dump: DumpFile): MinidumpRegion[] | null {
  const entries = readCountedList(dump, StreamType.memoryList, MEMORY_DESCRIPTOR, dump.limits.regions, 'regions');
  return entries?.map(({ start, size, rva }) => ({ address: start, size, rva })) ?? null;
}

/** Regions whose bytes follow one another from one offset; those beyond the end of the file are still listed. */
export function readMemory64List(dump: DumpFile): MinidumpRegion[] | null {
  const bytes = dump.stream(StreamType.memory64List);
  if (bytes === null) return null;
  const part = partName(StreamType.memory64List);
  if (bytes.length < MEMORY64_HEADER.size) {
    throw new MinidumpError(part, `needs ${MEMORY64_HEADER.size} bytes for its header, ${bytes.length} remain`);
  }
  const view = viewOf(bytes);
  const { count, baseRva } = readStruct(view, 0, MEMORY64_HEADER, dump.littleEndian);
  dump.checkCount(part, count, dump.limits.regions, 'regions');
  const remain = bytes.length - MEMORY64_HEADER.size;
  if (count * MEMORY64_DESCRIPTOR.size > remain) {
    const needed = count * MEMORY64_DESCRIPTOR.size;
    throw new MinidumpError(part, `${count} regions need ${needed} bytes, ${remain} remain`);
  }
  const regions: MinidumpRegion[] = [];
  let rva = baseRva;
  for (let i = 0; i < count; i++) {
    const offset = MEMORY64_HEADER.size + i * MEMORY64_DESCRIPTOR.size;
    const { start, size } = readStruct(view, offset, MEMORY64_DESCRIPTOR, dump.littleEndian);
    regions.push({ address: start, size, rva });
    rva += size;
  }
  return regions;
}

export interface MinidumpMemoryInfo {
  readonly base: number;
  readonly allocationBase: number;
  /** MemoryProtection bits. */
  readonly allocationProtection: number;
  readonly size: number;
  /** MemoryState. */
  readonly state: number;
  /** MemoryProtection bits. */
  readonly protection: number;
  /** MemoryType. */
  readonly type: number;
}

export function readMemoryInfo(dump: DumpFile): MinidumpMemoryInfo[] | null {
  const { regions } = dump.limits;
  return readSizedList(dump, StreamType.memoryInfoList, MEMORY_INFO_HEADER, MEMORY_INFO, regions, 'regions');
}
