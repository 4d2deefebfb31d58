/**
 * Streams as the writer lays them out: each knows its size before it is written (tables first, then the texts and
 * records that they point to), so that the whole file's layout is arithmetic.
 */

import { type Fields, type Struct, setU64, type Values, writeStruct } from '../../bytes/struct.js';
import type {
  ExceptionRecord,
  HandleRecord,
  MemoryInfoRecord,
  MiscRecord,
  ModuleRecord,
  SystemRecord,
  UnloadedModuleRecord,
} from '../format/records.js';
import { StreamType } from '../format/stream-types.js';
import { mdStringSize, writeMdString } from '../format/strings.js';
import {
  CvSignature,
  EXCEPTION,
  EXCEPTION_PARAMETERS,
  HANDLE,
  HANDLE_HEADER,
  MEMORY_INFO,
  MEMORY_INFO_HEADER,
  MISC_INFO,
  MISC_INFO_2,
  MISC_INFO_3,
  MISC_INFO_4_SIZE,
  MISC_INFO_TEXTS,
  MiscFlag,
  MODULE,
  SYSTEM_INFO,
  SYSTEM_INFO_CPU,
  THREAD_NAME,
  UNLOADED_HEADER,
  UNLOADED_MODULE,
} from '../format/structs.js';

/** One stream and what hangs on it. */
export interface Section {
  readonly type: number;
  /** Bytes of the stream itself: what its directory entry says. */
  readonly streamSize: number;
  /** Bytes with everything that the stream points to inside the section. */
  readonly size: number;
  /** Writes the section at `rva` of `out`, which holds the file's first bytes and is zero there. */
  write(out: Output, rva: number): void;
}

/** The head of the file under construction. */
export class Output {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** File offset of `bytes`' first byte. */
  readonly origin: number;

  constructor(size: number, origin = 0) {
    this.bytes = Buffer.alloc(size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
    this.origin = origin;
  }

  struct<F extends Fields>(rva: number, layout: Struct<F>, values: Partial<Values<F>>): void {
    writeStruct(this.view, rva - this.origin, layout, values);
  }

  u32(rva: number, value: number): void {
    this.view.setUint32(rva - this.origin, value, true);
  }

  u64(rva: number, value: number): void {
    setU64(this.view, rva - this.origin, value);
  }

  text(rva: number, text: string): void {
    writeMdString(this.bytes, rva - this.origin, text);
  }

  set(rva: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, rva - this.origin);
  }
}

/** Every allocation begins on a multiple of 8. */
export function align8(size: number): number {
  return Math.ceil(size / 8) * 8;
}

function textsSize(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + align8(mdStringSize(text)), 0);
}

/** VS_FIXEDFILEINFO's signature and structure version. */
const FIXED_FILE_INFO = { versionSignature: 0xfeef04bd, versionStructVersion: 0x00010000 } as const;

export function moduleSection(modules: readonly ModuleRecord[]): Section {
  const streamSize = 4 + MODULE.size * modules.length;
  let size = align8(streamSize);
  for (const module of modules) {
    size += align8(mdStringSize(module.name));
    if (module.buildId !== undefined) size += align8(4 + module.buildId.length);
  }
  return {
    type: StreamType.moduleList,
    streamSize,
    size,
    write(out, rva) {
      out.u32(rva, modules.length);
      let at = rva + 4;
      let tail = rva + align8(streamSize);
      for (const module of modules) {
        out.struct(at, MODULE, { base: module.base, size: module.size, nameRva: tail });
        out.text(tail, module.name);
        tail += align8(mdStringSize(module.name));
        if (module.version !== undefined) writeVersion(out, at, module.version);
        if (module.buildId !== undefined) {
          out.struct(at, MODULE, { cvSize: 4 + module.buildId.length, cvRva: tail });
          out.u32(tail, CvSignature.elf);
          out.set(tail + 4, module.buildId);
          tail += align8(4 + module.buildId.length);
        }
        at += MODULE.size;
      }
    },
  };
}

/** Fills in the VS_FIXEDFILEINFO of the module entry at `rva`. */
export function writeVersion(out: Output, rva: number, version: readonly [number, number, number, number]): void {
  const high = version[0] * 0x10000 + version[1];
  const low = version[2] * 0x10000 + version[3];
  out.struct(rva, MODULE, { ...FIXED_FILE_INFO, fileVersionHigh: high, fileVersionLow: low });
  out.struct(rva, MODULE, { productVersionHigh: high, productVersionLow: low });
}

export function unloadedModuleSection(modules: readonly UnloadedModuleRecord[]): Section {
  const streamSize = UNLOADED_HEADER.size + UNLOADED_MODULE.size * modules.length;
  return {
    type: StreamType.unloadedModuleList,
    streamSize,
    size: align8(streamSize) + textsSize(modules.map(({ name }) => name)),
    write(out, rva) {
      out.struct(rva, UNLOADED_HEADER, {
        headerSize: UNLOADED_HEADER.size,
        entrySize: UNLOADED_MODULE.size,
        count: modules.length,
      });
      let at = rva + UNLOADED_HEADER.size;
      let tail = rva + align8(streamSize);
      for (const { base, size, name } of modules) {
        out.struct(at, UNLOADED_MODULE, { base, size, nameRva: tail });
        out.text(tail, name);
        at += UNLOADED_MODULE.size;
        tail += align8(mdStringSize(name));
      }
    },
  };
}

export function threadNameSection(names: readonly { readonly tid: number; readonly name: string }[]): Section {
  const streamSize = 4 + THREAD_NAME.size * names.length;
  return {
    type: StreamType.threadNames,
    streamSize,
    size: align8(streamSize) + textsSize(names.map(({ name }) => name)),
    write(out, rva) {
      out.u32(rva, names.length);
      let at = rva + 4;
      let tail = rva + align8(streamSize);
      for (const { tid, name } of names) {
        out.struct(at, THREAD_NAME, { tid, nameRva: tail });
        out.text(tail, name);
        at += THREAD_NAME.size;
        tail += align8(mdStringSize(name));
      }
    },
  };
}

/** `context` tells where the crashed thread's context lies once the layout is known; null without one. */
export function exceptionSection(
  exception: ExceptionRecord,
  context: () => { readonly rva: number; readonly size: number } | null,
): Section {
  return {
    type: StreamType.exception,
    streamSize: EXCEPTION.size,
    size: EXCEPTION.size,
    write(out, rva) {
      const parameters = (exception.parameters ?? []).slice(0, EXCEPTION_PARAMETERS.count);
      const at = context();
      out.struct(rva, EXCEPTION, {
        tid: exception.tid,
        code: exception.code >>> 0,
        flags: exception.flags >>> 0,
        address: BigInt(exception.address),
        parameterCount: parameters.length,
        contextSize: at?.size ?? 0,
        contextRva: at?.rva ?? 0,
      });
      parameters.forEach((value, i) => {
        const offset = rva - out.origin + EXCEPTION_PARAMETERS.offset + 8 * i;
        out.view.setBigUint64(offset, BigInt.asUintN(64, value), true);
      });
    },
  };
}

export function systemSection(system: SystemRecord): Section {
  return {
    type: StreamType.systemInfo,
    streamSize: SYSTEM_INFO.size,
    size: SYSTEM_INFO.size + align8(mdStringSize(system.osText)),
    write(out, rva) {
      out.struct(rva, SYSTEM_INFO, {
        architecture: system.architecture,
        level: system.level ?? 0,
        revision: system.revision ?? 0,
        cpuCount: Math.min(system.cpuCount, 255),
        platform: system.platform,
        osTextRva: rva + SYSTEM_INFO.size,
      });
      if (system.cpu !== undefined) out.set(rva + SYSTEM_INFO_CPU.offset, system.cpu.subarray(0, SYSTEM_INFO_CPU.size));
      out.text(rva + SYSTEM_INFO.size, system.osText);
    },
  };
}

/** MINIDUMP_MISC_INFO_4 (832 bytes): the first version that has the build string. */
export function miscSection(misc: MiscRecord): Section {
  return {
    type: StreamType.miscInfo,
    streamSize: MISC_INFO_4_SIZE,
    size: MISC_INFO_4_SIZE,
    write(out, rva) {
      let flags: number = MiscFlag.pid;
      if (misc.times !== undefined) {
        flags |= MiscFlag.times;
        out.struct(rva, MISC_INFO, misc.times);
      }
      if (misc.power !== undefined) {
        flags |= MiscFlag.power;
        out.struct(rva, MISC_INFO_2, misc.power);
      }
      if (misc.utcOffsetMinutes !== undefined) {
        flags |= MiscFlag.timeZone;
        out.struct(rva, MISC_INFO_3, { bias: -misc.utcOffsetMinutes });
      }
      if (misc.buildString !== undefined || misc.debugBuildString !== undefined) flags |= MiscFlag.buildString;
      writeInline(out, rva, MISC_INFO_TEXTS.buildString, misc.buildString ?? '');
      writeInline(out, rva, MISC_INFO_TEXTS.debugBuildString, misc.debugBuildString ?? '');
      out.struct(rva, MISC_INFO, { size: MISC_INFO_4_SIZE, flags, pid: misc.pid });
    },
  };
}

function writeInline(out: Output, rva: number, place: { offset: number; units: number }, text: string): void {
  out.bytes.write(text.slice(0, place.units - 1), rva - out.origin + place.offset, 'utf16le');
}

export function memoryInfoSection(entries: readonly MemoryInfoRecord[]): Section {
  const size = MEMORY_INFO_HEADER.size + MEMORY_INFO.size * entries.length;
  return {
    type: StreamType.memoryInfoList,
    streamSize: size,
    size,
    write(out, rva) {
      out.struct(rva, MEMORY_INFO_HEADER, {
        headerSize: MEMORY_INFO_HEADER.size,
        entrySize: MEMORY_INFO.size,
        count: entries.length,
      });
      entries.forEach((entry, i) => {
        out.struct(rva + MEMORY_INFO_HEADER.size + MEMORY_INFO.size * i, MEMORY_INFO, { ...entry });
      });
    },
  };
}

export function handleSection(handles: readonly HandleRecord[]): Section {
  const streamSize = HANDLE_HEADER.size + HANDLE.size * handles.length;
  const texts = handles.flatMap(({ typeName, objectName }) => [typeName, objectName].filter((t) => t !== undefined));
  return {
    type: StreamType.handleData,
    streamSize,
    size: align8(streamSize) + textsSize(texts),
    write(out, rva) {
      out.struct(rva, HANDLE_HEADER, { headerSize: HANDLE_HEADER.size, entrySize: HANDLE.size, count: handles.length });
      let tail = rva + align8(streamSize);
      const place = (text: string | undefined): number => {
        if (text === undefined) return 0;
        const at = tail;
        out.text(at, text);
        tail += align8(mdStringSize(text));
        return at;
      };
      handles.forEach((handle, i) => {
        out.struct(rva + HANDLE_HEADER.size + HANDLE.size * i, HANDLE, {
          handle: handle.handle,
          typeNameRva: place(handle.typeName),
          objectNameRva: place(handle.objectName),
          attributes: handle.attributes ?? 0,
          grantedAccess: handle.grantedAccess ?? 0,
        });
      });
    },
  };
}
