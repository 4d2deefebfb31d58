/** Copies of /proc files and of the dynamic linker's structures. Sources: proc(5), getauxval(3), <link.h> r_debug. */

import { getU64, readStruct, type Struct } from '../../bytes/struct.js';
import type { MapsEntry } from '../../linux/maps.js';
import { parseMaps } from '../../linux/maps.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { DSO_DEBUG_32, DSO_DEBUG_64, LINK_MAP_32, LINK_MAP_64 } from '../format/structs.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

/** A stream of text as it is, null when absent. */
export function readText(dump: DumpFile, type: number): string | null {
  const bytes = dump.stream(type);
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** NUL-separated texts: a command line, an environment. */
export function readTextList(dump: DumpFile, type: number): string[] | null {
  const text = readText(dump, type);
  if (text === null) return null;
  const list = text.split('\0');
  if (list.at(-1) === '') list.pop();
  return list;
}

/** Ascending and disjoint; lines that do not parse are left out, and noted among the dump's problems. */
export function readMaps(dump: DumpFile): readonly MapsEntry[] | null {
  const bytes = dump.stream(StreamType.linuxMaps);
  if (bytes === null) return null;
  return parseMaps(bytes).mappings;
}

export interface AuxvEntry {
  readonly type: number;
  readonly value: bigint;
}

/** `wordSize`: that of the process. */
export function readAuxv(dump: DumpFile, wordSize: 4 | 8): AuxvEntry[] | null {
  const bytes = dump.stream(StreamType.linuxAuxv);
  return bytes === null ? null : parseAuxv(bytes, wordSize, dump.littleEndian);
}

/** {type, value} pairs of words, up to AT_NULL, at most 256. */
export function parseAuxv(bytes: Uint8Array, wordSize: 4 | 8, littleEndian: boolean): AuxvEntry[] {
  const view = viewOf(bytes);
  const entries: AuxvEntry[] = [];
  for (let at = 0; at + 2 * wordSize <= bytes.length && entries.length < 256; at += 2 * wordSize) {
    const type = wordSize === 8 ? getU64(view, at, littleEndian) : view.getUint32(at, littleEndian);
    if (type === 0) break;
    const value =
      wordSize === 8 ? view.getBigUint64(at + 8, littleEndian) : BigInt(view.getUint32(at + 4, littleEndian));
    entries.push({ type, value });
  }
  return entries;
}

export interface LinkMapEntry {
  readonly address: number;
  /** Address of .dynamic. */
  readonly dynamic: number;
  readonly name: string;
}

export interface MinidumpDsoDebug {
  readonly version: number;
  readonly brk: number;
  readonly loaderBase: number;
  readonly dynamic: number;
  readonly linkMap: readonly LinkMapEntry[];
  /** The main program's .dynamic array, raw. */
  readonly dynamicSection: Uint8Array;
}

export function readDsoDebug(dump: DumpFile, wordSize: 4 | 8): MinidumpDsoDebug | null {
  const bytes = dump.stream(StreamType.linuxDsoDebug);
  if (bytes === null) return null;
  const part = partName(StreamType.linuxDsoDebug);
  const layout: Struct<typeof DSO_DEBUG_64.fields | typeof DSO_DEBUG_32.fields> =
    wordSize === 8 ? DSO_DEBUG_64 : DSO_DEBUG_32;
  if (bytes.length < layout.size) throw new MinidumpError(part, `needs ${layout.size} bytes, ${bytes.length} remain`);
  const { mapRva, count, ...values } = readStruct(viewOf(bytes), 0, layout, dump.littleEndian);
  dump.checkCount(part, count, dump.limits.modules, 'link map entries');
  const entry: Struct<typeof LINK_MAP_64.fields | typeof LINK_MAP_32.fields> =
    wordSize === 8 ? LINK_MAP_64 : LINK_MAP_32;
  const view = viewOf(dump.bytes(part, mapRva, count * entry.size));
  const linkMap: LinkMapEntry[] = [];
  for (let i = 0; i < count; i++) {
    const { address, nameRva, dynamic } = readStruct(view, i * entry.size, entry, dump.littleEndian);
    const name = nameRva === 0 ? '' : dump.tolerate(() => dump.mdString(`name of link map entry ${i}`, nameRva), '');
    linkMap.push({ address, dynamic, name });
  }
  return { ...values, linkMap, dynamicSection: bytes.subarray(layout.size) };
}
