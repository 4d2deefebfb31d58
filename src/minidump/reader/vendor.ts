/**
 * The streams of our own ("DB", 0x4442....), which other readers skip: UTF-8 JSON, written and read here. Their shapes
 * are documented in docs/minidump.md; fields are added, never renamed.
 */

import { getU64, setU64 } from '../../bytes/struct.js';
import { JsonObject, jsonArray, parseJson } from '../format/json-shape.js';
import type { DeferredRange } from '../format/records.js';
import { StreamType } from '../format/stream-types.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

export const REQUEST_KINDS = ['crash', 'tombstone', 'backtrace'] as const;

/** Stream 0x44420001: what the tracer knew besides what the format has places for. */
export interface DumpInfo {
  readonly version: 1;
  readonly kind: (typeof REQUEST_KINDS)[number];
  readonly pid: number;
  /** The crashed or requested thread. */
  readonly tid: number;
  readonly uid: number;
  readonly gid: number;
  /** si_code as the client saw it first; the signal's own when nobody reported one. */
  readonly originalSiCode: number;
  /** Where the abort message lies in the process, 0: nowhere. */
  readonly abortMessageAddress: number;
  readonly fingerprint: string;
  readonly revision: string;
  /** East positive. */
  readonly utcOffsetMinutes: number;
  /** Milliseconds since the epoch at the freeze. */
  readonly timeMs: number;
  /** The thread was in the stop of a fatal signal, whose siginfo the dump has. */
  readonly signalStop: boolean;
  /**
   * arm64 with pointer authentication: the bits of a code address that carry its signature (NT_ARM_PAC_MASK, the second
   * word), in hexadecimal digits.
   */
  readonly pacMask?: string;
}

export interface SoftErrorRecord {
  /** The step that lost something: freeze, registers, stack, memory, module, ... */
  readonly step: string;
  readonly message: string;
}

export interface LogTailRecord {
  readonly name: string;
  readonly lines: readonly string[];
}

export function encodeJson(value: DumpInfo | readonly SoftErrorRecord[] | readonly LogTailRecord[]): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function readDumpInfo(dump: DumpFile): DumpInfo | null {
  return fromJson(dump, StreamType.debuggerdInfo, (part, value) => {
    const fields = new JsonObject(part, value);
    return {
      version: 1,
      kind: fields.oneOf('kind', REQUEST_KINDS),
      pid: fields.integer('pid'),
      tid: fields.integer('tid'),
      uid: fields.integer('uid'),
      gid: fields.integer('gid'),
      originalSiCode: fields.integer('originalSiCode'),
      abortMessageAddress: fields.integer('abortMessageAddress'),
      fingerprint: fields.text('fingerprint'),
      revision: fields.text('revision'),
      utcOffsetMinutes: fields.integer('utcOffsetMinutes'),
      timeMs: fields.integer('timeMs'),
      signalStop: fields.boolean('signalStop'),
      ...(fields.has('pacMask') && { pacMask: fields.hexadecimal('pacMask') }),
    };
  });
}

export function readSoftErrors(dump: DumpFile): SoftErrorRecord[] | null {
  return fromJson(dump, StreamType.debuggerdSoftErrors, (part, value) =>
    jsonArray(part, value).map((entry) => {
      const fields = new JsonObject(part, entry);
      return { step: fields.text('step'), message: fields.text('message') };
    }),
  );
}

export function readLogTails(dump: DumpFile): LogTailRecord[] | null {
  return fromJson(dump, StreamType.debuggerdLogTails, (part, value) =>
    jsonArray(part, value).map((entry) => {
      const fields = new JsonObject(part, entry);
      return { name: fields.text('name'), lines: fields.texts('lines') };
    }),
  );
}

/** Ranges of a memory64 list that is still to be made: pairs of u64, address and size. */
export function encodeRanges(ranges: readonly DeferredRange[]): Buffer {
  const bytes = Buffer.alloc(16 * ranges.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  ranges.forEach(({ address, size }, i) => {
    setU64(view, 16 * i, address);
    setU64(view, 16 * i + 8, size);
  });
  return bytes;
}

/** Null when the dump has none. */
export function readRanges(dump: DumpFile): DeferredRange[] | null {
  const bytes = dump.stream(StreamType.debuggerdFullMemory);
  if (bytes === null) return null;
  const view = viewOf(bytes);
  const count = Math.floor(bytes.length / 16);
  return Array.from({ length: count }, (_, i) => ({
    address: getU64(view, 16 * i, true),
    size: getU64(view, 16 * i + 8, true),
  }));
}

/** The engraver's report as parsed JSON; its shape is the engraver's to check. */
export function readReportJson(dump: DumpFile): unknown {
  return fromJson(dump, StreamType.debuggerdReport, (_, value) => value);
}

function fromJson<T>(dump: DumpFile, type: number, read: (part: string, value: unknown) => T): T | null {
  const bytes = dump.stream(type);
  if (bytes === null) return null;
  const part = partName(type);
  return read(part, parseJson(part, bytes));
}
