/** Breakpad's own streams: who was dumping, and failed assertions. */

import { readStruct } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { decodeUtf16 } from '../format/strings.js';
import { ASSERTION_INFO, ASSERTION_TEXTS, BREAKPAD_INFO } from '../format/structs.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

export interface MinidumpBreakpadInfo {
  /** The thread that wrote the dump (not to be walked), null when not said. */
  readonly dumpTid: number | null;
  /** The thread that asked for it or crashed. */
  readonly requestingTid: number | null;
}

export function readBreakpadInfo(dump: DumpFile): MinidumpBreakpadInfo | null {
  const view = fixed(dump, StreamType.breakpadInfo, BREAKPAD_INFO.size);
  if (view === null) return null;
  const values = readStruct(view, 0, BREAKPAD_INFO, dump.littleEndian);
  return {
    dumpTid: (values.validity & 1) !== 0 ? values.dumpTid : null,
    requestingTid: (values.validity & 2) !== 0 ? values.requestingTid : null,
  };
}

export interface MinidumpAssertionInfo {
  readonly expression: string;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  /** 0 unknown, 1 invalid parameter, 2 pure virtual call. */
  readonly type: number;
}

export function readAssertionInfo(dump: DumpFile): MinidumpAssertionInfo | null {
  const view = fixed(dump, StreamType.assertionInfo, ASSERTION_INFO.size);
  if (view === null) return null;
  const text = ({ offset, units }: { offset: number; units: number }): string =>
    decodeUtf16(new Uint8Array(view.buffer, view.byteOffset + offset, units * 2), dump.littleEndian, true);
  return {
    expression: text(ASSERTION_TEXTS.expression),
    function: text(ASSERTION_TEXTS.function),
    file: text(ASSERTION_TEXTS.file),
    ...readStruct(view, 0, ASSERTION_INFO, dump.littleEndian),
  };
}

function fixed(dump: DumpFile, type: number, size: number): DataView | null {
  const bytes = dump.stream(type);
  if (bytes === null) return null;
  if (bytes.length < size) throw new MinidumpError(partName(type), `needs ${size} bytes, ${bytes.length} remain`);
  return viewOf(bytes);
}
