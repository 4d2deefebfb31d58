/** Crashpad's stream: report ids and annotations of the process and of its modules. Source: minidump_extensions.h. */

import { type Fields, readStruct, type Struct, type Values } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import {
  CRASHPAD_ANNOTATION,
  CRASHPAD_INFO,
  CRASHPAD_INFO_MASK,
  CRASHPAD_MODULE,
  CRASHPAD_MODULE_LINK,
} from '../format/structs.js';
import { type DumpFile, type Location, partName, viewOf } from './dump-file.js';
import { readGuid } from './modules.js';

export interface CrashpadAnnotationObject {
  readonly name: string;
  /** 1: UTF-8 text; others are the application's. */
  readonly type: number;
  readonly value: Uint8Array;
}

export interface CrashpadModuleInfo {
  /** Index in the module list. */
  readonly moduleIndex: number;
  readonly listAnnotations: readonly string[];
  readonly simpleAnnotations: readonly (readonly [key: string, value: string])[];
  readonly annotationObjects: readonly CrashpadAnnotationObject[];
}

export interface MinidumpCrashpadInfo {
  readonly version: number;
  /** 32 upper-case hex digits. */
  readonly reportId: string;
  readonly clientId: string;
  readonly simpleAnnotations: readonly (readonly [key: string, value: string])[];
  readonly modules: readonly CrashpadModuleInfo[];
  /** Bits of a pointer that are address (arm64 pointer authentication); null or 0 when not said. */
  readonly addressMask: bigint | null;
}

export function readCrashpadInfo(dump: DumpFile): MinidumpCrashpadInfo | null {
  const type = StreamType.crashpadInfo;
  const bytes = dump.stream(type);
  if (bytes === null) return null;
  if (bytes.length < CRASHPAD_INFO.size) {
    throw new MinidumpError(partName(type), `needs ${CRASHPAD_INFO.size} bytes, ${bytes.length} remain`);
  }
  const view = viewOf(bytes);
  const values = readStruct(view, 0, CRASHPAD_INFO, dump.littleEndian);
  const mask =
    bytes.length >= CRASHPAD_INFO_MASK.size ? readStruct(view, 0, CRASHPAD_INFO_MASK, dump.littleEndian) : null;
  const simple = { rva: values.simpleAnnotationsRva, size: values.simpleAnnotationsSize };
  const links = { rva: values.modulesRva, size: values.modulesSize };
  return {
    version: values.version,
    reportId: readGuid(view, 4, dump.littleEndian),
    clientId: readGuid(view, 20, dump.littleEndian),
    simpleAnnotations: dump.tolerate(() => readDictionary(dump, simple), []),
    modules: dump
      .tolerate(
        () =>
          readList(dump, 'Crashpad modules', links, CRASHPAD_MODULE_LINK).map((link) =>
            dump.tolerate(() => readModule(dump, link), null),
          ),
        [],
      )
      .filter((module) => module !== null),
    addressMask: mask?.addressMask ?? null,
  };
}

function readModule(dump: DumpFile, link: Values<typeof CRASHPAD_MODULE_LINK.fields>): CrashpadModuleInfo {
  const values = dump.struct(`Crashpad module ${link.moduleIndex}`, link.rva, CRASHPAD_MODULE);
  const list = { rva: values.listRva, size: values.listSize };
  const simple = { rva: values.simpleRva, size: values.simpleSize };
  const objects = { rva: values.objectsRva, size: values.objectsSize };
  return {
    moduleIndex: link.moduleIndex,
    listAnnotations: dump.tolerate(() => readTexts(dump, list), []),
    simpleAnnotations: dump.tolerate(() => readDictionary(dump, simple), []),
    annotationObjects: dump.tolerate(() => readObjects(dump, objects), []),
  };
}

/** A location that holds a u32 count and entries; empty when its size is 0. */
function readList<F extends Fields>(dump: DumpFile, part: string, at: Location, layout: Struct<F>): Values<F>[] {
  if (at.size === 0) return [];
  if (at.size < 4) throw new MinidumpError(part, `needs 4 bytes for its count, ${at.size} remain`);
  const count = viewOf(dump.bytes(part, at.rva, 4)).getUint32(0, dump.littleEndian);
  dump.checkCount(part, count, dump.limits.annotations, 'entries');
  const needed = count * layout.size;
  if (needed > at.size - 4) {
    throw new MinidumpError(part, `${count} entries need ${needed} bytes, ${at.size - 4} remain`);
  }
  const view = viewOf(dump.bytes(part, at.rva + 4, needed));
  return Array.from({ length: count }, (_, i) => readStruct(view, i * layout.size, layout, dump.littleEndian));
}

const RVA = { size: 4, fields: { rva: { kind: 'u32', offset: 0 } } } as const;
const ENTRY = {
  size: 8,
  fields: { keyRva: { kind: 'u32', offset: 0 }, valueRva: { kind: 'u32', offset: 4 } },
} as const;

function readTexts(dump: DumpFile, at: Location): string[] {
  return readList(dump, 'Crashpad list annotations', at, RVA).map(({ rva }) => dump.utf8('Crashpad annotation', rva));
}

function readDictionary(dump: DumpFile, at: Location): (readonly [string, string])[] {
  return readList(dump, 'Crashpad simple annotations', at, ENTRY).map(
    ({ keyRva, valueRva }) =>
      [dump.utf8('Crashpad annotation', keyRva), dump.utf8('Crashpad annotation', valueRva)] as const,
  );
}

function readObjects(dump: DumpFile, at: Location): CrashpadAnnotationObject[] {
  return readList(dump, 'Crashpad annotation objects', at, CRASHPAD_ANNOTATION).map(({ nameRva, type, valueRva }) => ({
    name: dump.utf8('Crashpad annotation', nameRva),
    type,
    value: dump.byteArray('Crashpad annotation', valueRva),
  }));
}
