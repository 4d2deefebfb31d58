/** Module list and unloaded module list, with the CodeView records that identify the files. */

import type { Values } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { CvSignature, MODULE, UNLOADED_HEADER, UNLOADED_MODULE } from '../format/structs.js';
import { type DumpFile, hex, viewOf } from './dump-file.js';
import { readCountedList, readSizedList } from './list.js';

/** What a CodeView record says of a file. */
export type CvRecord =
  | { readonly kind: 'elf'; readonly buildId: Uint8Array }
  | { readonly kind: 'pdb70'; readonly guid: string; readonly age: number; readonly file: string }
  | { readonly kind: 'pdb20'; readonly timestamp: number; readonly age: number; readonly file: string }
  | { readonly kind: 'unknown'; readonly signature: number };

export interface MinidumpModule {
  readonly base: number;
  readonly size: number;
  readonly checksum: number;
  readonly timestamp: number;
  /** Empty when it cannot be read (see `problems`). */
  readonly name: string;
  /** Four 16-bit parts of the file version, null when the writer gave none. */
  readonly version: readonly [number, number, number, number] | null;
  readonly cv: CvRecord | null;
  /** Lower-case hex of an ELF build id, null for other records and an empty id. */
  readonly buildId: string | null;
  /** Breakpad's debug identifier: 32 upper-case hex digits and the age; null without a record. */
  readonly debugId: string | null;
}

export function readModules(dump: DumpFile): MinidumpModule[] | null {
  const entries = readCountedList(dump, StreamType.moduleList, MODULE, dump.limits.modules, 'modules');
  return (
    entries?.map((entry, i) => {
      const cv = entry.cvSize === 0 ? null : dump.tolerate(() => readCv(dump, i, entry.cvRva, entry.cvSize), null);
      return {
        base: entry.base,
        size: entry.size,
        checksum: entry.checksum,
        timestamp: entry.timestamp,
        name: dump.tolerate(() => dump.mdString(`name of module ${i}`, entry.nameRva), ''),
        version: versionOf(entry),
        cv,
        buildId: cv?.kind === 'elf' && cv.buildId.length > 0 ? Buffer.from(cv.buildId).toString('hex') : null,
        debugId: cv === null ? null : debugIdOf(cv),
      };
    }) ?? null
  );
}

function versionOf(entry: Values<typeof MODULE.fields>): MinidumpModule['version'] {
  if (entry.versionSignature !== 0xfeef04bd) return null;
  const { fileVersionHigh: high, fileVersionLow: low } = entry;
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
}

function readCv(dump: DumpFile, index: number, rva: number, size: number): CvRecord {
  const part = `CodeView record of module ${index}`;
  if (size > dump.limits.recordBytes) {
    throw new MinidumpError(part, `has ${size} bytes, more than the limit of ${dump.limits.recordBytes}`);
  }
  if (size < 4) throw new MinidumpError(part, `needs 4 bytes for its signature, has ${size}`);
  const bytes = dump.bytes(part, rva, size);
  const view = viewOf(bytes);
  const signature = view.getUint32(0, dump.littleEndian);
  switch (signature) {
    case CvSignature.elf:
      return { kind: 'elf', buildId: bytes.subarray(4) };
    case CvSignature.pdb70: {
      if (size < 24) throw new MinidumpError(part, `RSDS needs 24 bytes, has ${size}`);
      const age = view.getUint32(20, dump.littleEndian);
      return { kind: 'pdb70', guid: readGuid(view, 4, dump.littleEndian), age, file: zeroEnded(bytes, 24) };
    }
    case CvSignature.pdb20: {
      if (size < 16) throw new MinidumpError(part, `NB10 needs 16 bytes, has ${size}`);
      const timestamp = view.getUint32(8, dump.littleEndian);
      return { kind: 'pdb20', timestamp, age: view.getUint32(12, dump.littleEndian), file: zeroEnded(bytes, 16) };
    }
    default:
      return { kind: 'unknown', signature };
  }
}

function zeroEnded(bytes: Uint8Array, from: number): string {
  const end = bytes.indexOf(0, from);
  return Buffer.from(bytes.subarray(from, end < 0 ? bytes.length : end)).toString('utf8');
}

/** A GUID's 32 upper-case hex digits: u32, u16, u16 in the file's order, then 8 bytes. */
export function readGuid(view: DataView, offset: number, littleEndian: boolean): string {
  const part = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  let text = part(view.getUint32(offset, littleEndian), 8);
  text += part(view.getUint16(offset + 4, littleEndian), 4);
  text += part(view.getUint16(offset + 6, littleEndian), 4);
  for (let i = 8; i < 16; i++) text += part(view.getUint8(offset + i), 2);
  return text.toUpperCase();
}

/**
 * The key of symbol servers. ELF: the first 16 bytes of the build id, zero-padded, read as a little-endian GUID, then
 * "0".
 */
export function debugIdOf(cv: CvRecord): string | null {
  switch (cv.kind) {
    case 'elf': {
      if (cv.buildId.length === 0) return null;
      const id = new Uint8Array(16);
      id.set(cv.buildId.subarray(0, 16));
      return `${readGuid(viewOf(id), 0, true)}0`;
    }
    case 'pdb70':
      return cv.guid + cv.age.toString(16);
    case 'pdb20':
      return cv.timestamp.toString(16).toUpperCase().padStart(8, '0') + cv.age.toString(16);
    case 'unknown':
      return null;
  }
}

export interface MinidumpUnloadedModule {
  readonly base: number;
  readonly size: number;
  readonly checksum: number;
  readonly timestamp: number;
  readonly name: string;
}

export function readUnloadedModules(dump: DumpFile): MinidumpUnloadedModule[] | null {
  const { modules } = dump.limits;
  const type = StreamType.unloadedModuleList;
  const entries = readSizedList(dump, type, UNLOADED_HEADER, UNLOADED_MODULE, modules, 'modules');
  return (
    entries?.map(({ nameRva, ...rest }, i) => ({
      ...rest,
      name: dump.tolerate(() => dump.mdString(`name of unloaded module ${i} (${hex(rest.base)})`, nameRva), ''),
    })) ?? null
  );
}
