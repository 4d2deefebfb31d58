/** The whole JSON document of a minidump, or the part of it that shows some streams. */

import { shownJson } from '../../bytes/shown-text.js';
import { MinidumpError } from '../../minidump/format/error.js';
import { StreamType, streamTypeName } from '../../minidump/format/stream-types.js';
import { type DirectoryEntry, hex } from '../../minidump/reader/dump-file.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import { type Json, type JsonRecord, sections } from './sections.js';

export interface StreamSummary {
  /** As `--stream` takes it: `thread-list`, or the number in hex for a type that nobody here knows. */
  readonly name: string;
  readonly type: string;
  readonly rva: string;
  readonly size: number;
}

export interface PartError {
  readonly part: string;
  readonly message: string;
}

export interface MinidumpDocument {
  readonly format: 'minidump';
  readonly schema: 1;
  readonly file: {
    readonly size: number;
    readonly littleEndian: boolean;
    readonly version: string;
    /** Seconds since the epoch. */
    readonly timestamp: number;
    readonly flags: string;
    readonly checksum: string;
  };
  readonly streams: readonly StreamSummary[];
  /** Sections by key, in the order in which they are shown. */
  readonly sections: JsonRecord;
  /** What could not be read. */
  readonly errors: readonly PartError[];
}

/** `thread-list` for 3, `0x12345678` for what is unknown. */
export function streamName(type: number): string {
  return streamTypeName(type)?.replace(/[A-Z]/g, (part) => `-${part.toLowerCase()}`) ?? hex(type);
}

/** The type that a name or number (decimal, 0x...) stands for, or null. */
export function streamTypeOf(name: string): number | null {
  for (const type of Object.values(StreamType)) if (streamName(type) === name) return type;
  const number = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(name) ? Number(name) : -1;
  return number >= 0 && number <= 0xffffffff ? number : null;
}

function summary({ type, rva, size }: DirectoryEntry): StreamSummary {
  return { name: streamName(type), type: hex(type), rva: hex(rva), size };
}

/** `only`: the stream types to show, null for all. */
export function describe(dump: Minidump, only: ReadonlySet<number> | null = null): MinidumpDocument {
  const { header } = dump;
  const errors: PartError[] = [];
  const found: Record<string, Json> = {};
  for (const { key, types, read } of sections) {
    if (!types.some((type) => (only === null || only.has(type)) && dump.entry(type) !== null)) continue;
    try {
      found[key] = read(dump);
    } catch (error) {
      if (!(error instanceof MinidumpError)) throw error;
      errors.push({ part: error.part, message: error.message });
    }
  }
  const known = new Set(errors.map(({ message }) => message));
  for (const { part, message } of dump.problems) {
    if (!known.has(message)) errors.push({ part, message });
    known.add(message);
  }
  return {
    format: 'minidump',
    schema: 1,
    file: {
      size: dump.source.size,
      littleEndian: dump.littleEndian,
      version: hex(header.version),
      timestamp: header.timestamp,
      flags: hex(header.flags),
      checksum: hex(header.checksum),
    },
    streams: dump.directory.filter(({ type }) => only === null || only.has(type)).map(summary),
    sections: found,
    errors,
  };
}

/** JSON that a terminal may show. */
export function jsonText(document: MinidumpDocument): string {
  return `${shownJson(JSON.stringify(document, null, 2))}\n`;
}
