/**
 * Stream 0x44420006: register sets as PTRACE_GETREGSET(NT_PRSTATUS) gave them, which a context may hold only in part.
 * Layout: u32 count, then per thread {u32 tid, u32 size, bytes, padding to a multiple of 8 counted from the entry's
 * begin}.
 */

import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { align8 } from '../writer/sections.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

export interface RawRegisters {
  readonly tid: number;
  /** 216 bytes: x86_64, 68: i386, 272: arm64, 72: arm, 256: riscv64. */
  readonly bytes: Uint8Array;
}

/** One buffer with a copy of every register set. */
export function encodeRawRegisters(threads: readonly RawRegisters[]): Buffer {
  const size = threads.reduce((sum, { bytes }) => sum + 8 + align8(bytes.length), 4);
  const buffer = Buffer.alloc(size);
  buffer.writeUInt32LE(threads.length, 0);
  let at = 4;
  for (const { tid, bytes } of threads) {
    buffer.writeUInt32LE(tid, at);
    buffer.writeUInt32LE(bytes.length, at + 4);
    buffer.set(bytes, at + 8);
    at += 8 + align8(bytes.length);
  }
  return buffer;
}

/** Register sets by tid. */
export function readRawRegisters(dump: DumpFile): Map<number, Uint8Array> | null {
  const stream = dump.stream(StreamType.debuggerdRawRegisters);
  if (stream === null) return null;
  const part = partName(StreamType.debuggerdRawRegisters);
  const need = (at: number, size: number): void => {
    if (size > stream.length - at) {
      throw new MinidumpError(part, `needs ${size} bytes at ${at}, ${stream.length - at} remain`);
    }
  };
  need(0, 4);
  const view = viewOf(stream);
  const count = view.getUint32(0, dump.littleEndian);
  dump.checkCount(part, count, dump.limits.threads, 'threads');
  const registers = new Map<number, Uint8Array>();
  let at = 4;
  for (let i = 0; i < count; i++) {
    need(at, 8);
    const tid = view.getUint32(at, dump.littleEndian);
    const size = view.getUint32(at + 4, dump.littleEndian);
    need(at + 8, align8(size));
    registers.set(tid, stream.subarray(at + 8, at + 8 + size));
    at += 8 + align8(size);
  }
  return registers;
}
