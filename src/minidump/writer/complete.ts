/**
 * Adds to a dump what was found out after it was written: build ids of its modules and further streams. Nothing that is
 * there moves; new records, a new module list and a new directory follow the old bytes, and only the header changes.
 */

import { writeStruct } from '../../bytes/struct.js';
import { StreamType } from '../format/stream-types.js';
import { mdStringSize } from '../format/strings.js';
import { CvSignature, DIRECTORY, HEADER, MODULE } from '../format/structs.js';
import { viewOf } from '../reader/dump-file.js';
import { readCountedList } from '../reader/list.js';
import { Minidump } from '../reader/minidump.js';
import { align8, Output, type Section, writeVersion } from './sections.js';

export interface ModuleAddition {
  /** GNU build id; empty or absent: no record. */
  readonly buildId?: Uint8Array;
  /** Replaces the name (see modules-from-maps.ts for what a shared object is called). */
  readonly name?: string;
  readonly version?: readonly [number, number, number, number];
}

export interface DumpAdditions {
  /** By the module's base address. */
  readonly modules: ReadonlyMap<number, ModuleAddition>;
  /** Streams to add; one whose type the dump has already takes its place. */
  readonly streams: readonly { readonly type: number; readonly bytes: Uint8Array }[];
  /** Likewise, for streams that need to know where they lie. */
  readonly sections?: readonly Section[];
  /** Types of streams that the completed dump does without. */
  readonly removed?: readonly number[];
}

/**
 * The completed dump as chunks for writev; the old bytes are referenced, not copied. `original` is a little-endian dump
 * in memory. A module list that cannot be read stays as it is. Throws MinidumpError when `original` is no minidump,
 * RangeError when it is big endian or too long for 32-bit offsets.
 */
export function completeMinidump(original: Uint8Array, additions: DumpAdditions): Uint8Array[] {
  const dump = Minidump.open(original);
  if (!dump.littleEndian) throw new RangeError('a big-endian minidump cannot be completed');
  const start = align8(original.length);
  const modules = dump.tolerate(
    () => readCountedList(dump, StreamType.moduleList, MODULE, dump.limits.modules, 'modules'),
    null,
  );
  const sections = additions.sections ?? [];
  const replaced = new Set([...additions.streams, ...sections].map(({ type }) => type));
  for (const type of additions.removed ?? []) replaced.add(type);
  const tail = new Tail(start);
  const entries: { type: number; size: number; rva: number }[] = [];
  for (const entry of dump.directory) {
    if (replaced.has(entry.type)) continue;
    if (entry.type !== StreamType.moduleList || modules === null) {
      entries.push(entry);
      continue;
    }
    const size = 4 + MODULE.size * modules.length;
    const at = tail.reserve(size);
    const old = dump.stream(StreamType.moduleList) as Uint8Array;
    // Padding of four bytes before the entries is dropped.
    const list = old.subarray(old.length - MODULE.size * modules.length);
    tail.later((out) => {
      out.u32(at, modules.length);
      out.set(at + 4, list);
    });
    modules.forEach(({ base }, i) => {
      const addition = additions.modules.get(base);
      if (addition !== undefined) addToModule(tail, at + 4 + MODULE.size * i, addition);
    });
    entries.push({ type: entry.type, size, rva: at });
  }
  for (const { type, bytes } of additions.streams) {
    const rva = tail.reserve(bytes.length);
    tail.later((out) => out.set(rva, bytes));
    entries.push({ type, size: bytes.length, rva });
  }
  for (const section of sections) {
    const rva = tail.reserve(section.size);
    tail.later((out) => section.write(out, rva));
    entries.push({ type: section.type, size: section.streamSize, rva });
  }
  const directoryRva = tail.reserve(DIRECTORY.size * entries.length);
  tail.later((out) => {
    entries.forEach(({ type, size, rva }, i) => {
      out.struct(directoryRva + DIRECTORY.size * i, DIRECTORY, { type, size, rva });
    });
  });
  if (tail.end > 0xffffffff) throw new RangeError(`a minidump of ${tail.end} bytes: its offsets have 32 bits`);

  const header = Buffer.from(original.subarray(0, HEADER.size));
  writeStruct(viewOf(header), 0, HEADER, { streamCount: entries.length, directoryRva });
  const padding = Buffer.alloc(start - original.length);
  return [header, original.subarray(HEADER.size), padding, tail.bytes()].filter(({ length }) => length > 0);
}

/** What follows the old bytes: places are reserved first, then written. */
class Tail {
  readonly #start: number;
  readonly #writes: ((out: Output) => void)[] = [];
  end: number;

  constructor(start: number) {
    this.#start = start;
    this.end = start;
  }

  reserve(size: number): number {
    const at = this.end;
    this.end += align8(size);
    return at;
  }

  later(write: (out: Output) => void): void {
    this.#writes.push(write);
  }

  bytes(): Buffer {
    const out = new Output(this.end - this.#start, this.#start);
    for (const write of this.#writes) write(out);
    return out.bytes;
  }
}

function addToModule(tail: Tail, rva: number, { buildId, name, version }: ModuleAddition): void {
  if (buildId !== undefined && buildId.length > 0) {
    const size = 4 + buildId.length;
    const at = tail.reserve(size);
    tail.later((out) => {
      out.u32(at, CvSignature.elf);
      out.set(at + 4, buildId);
      out.struct(rva, MODULE, { cvSize: size, cvRva: at });
    });
  }
  if (name !== undefined) {
    const at = tail.reserve(mdStringSize(name));
    tail.later((out) => {
      out.text(at, name);
      out.struct(rva, MODULE, { nameRva: at });
    });
  }
  if (version !== undefined) tail.later((out) => writeVersion(out, rva, version));
}
