/**
 * The dynamic linker's list of loaded objects, found the way a debugger finds it: AT_PHDR -> PT_DYNAMIC -> DT_DEBUG ->
 * r_debug -> link_map. Sources: System V gABI (program headers, dynamic section), glibc's <link.h>. All of it is the
 * target's memory, which may say anything: reads are checked and the list is bounded.
 */

import { LittleEndian } from '../bytes/little-endian.js';
import type { Memory } from '../bytes/memory.js';
import { readStruct } from '../bytes/struct.js';
import { Auxv } from '../linux/auxv.js';
import { StreamType } from '../minidump/format/stream-types.js';
import { mdStringSize } from '../minidump/format/strings.js';
import { DSO_DEBUG_32, DSO_DEBUG_64, LINK_MAP_32, LINK_MAP_64 } from '../minidump/format/structs.js';
import type { AuxvEntry, LinkMapEntry } from '../minidump/reader/linux-streams.js';
import { align8, type Section } from '../minidump/writer/sections.js';
import { ELF_LAYOUTS, SegmentType } from '../objects/elf/layout.js';

const DT_DEBUG = 21;
const MAX_HEADERS = 128;
const MAX_DYNAMIC = 64 * 1024;
const MAX_OBJECTS = 4096;
const MAX_NAME = 4096;

export interface DsoDebug {
  readonly version: number;
  readonly brk: number;
  readonly loaderBase: number;
  readonly dynamic: number;
  readonly linkMap: readonly LinkMapEntry[];
  /** The list was followed to its end. */
  readonly whole: boolean;
  readonly dynamicSection: Uint8Array;
}

/** Null when the structures are not in `memory`: a static program, or they were not copied. */
export function findDsoDebug(memory: Memory, auxv: readonly AuxvEntry[], wordSize: 4 | 8): DsoDebug | null {
  const word = (type: number): number => Number(auxv.find((entry) => entry.type === type)?.value ?? 0n);
  const dynamicAt = findDynamic(memory, word(Auxv.AT_PHDR), Math.min(word(Auxv.AT_PHNUM), MAX_HEADERS), wordSize);
  if (dynamicAt === null) return null;
  const dynamicSection = read(memory, dynamicAt.address, Math.min(dynamicAt.size, MAX_DYNAMIC));
  const debugAt = findTag(new LittleEndian(dynamicSection), DT_DEBUG, wordSize);
  const debug = new LittleEndian(read(memory, debugAt, 5 * wordSize));
  if (debug.length < 5 * wordSize) return null;
  return {
    version: debug.u32(0),
    brk: debug.word(2 * wordSize, wordSize),
    loaderBase: debug.word(4 * wordSize, wordSize),
    dynamic: dynamicAt.address,
    ...walk(memory, debug.word(wordSize, wordSize), wordSize),
    dynamicSection,
  };
}

function findDynamic(
  memory: Memory,
  address: number,
  count: number,
  wordSize: 4 | 8,
): { address: number; size: number } | null {
  const layout = ELF_LAYOUTS[wordSize].segment;
  const headers = read(memory, address, count * layout.size);
  const view = new DataView(headers.buffer, headers.byteOffset, headers.length);
  let bias = 0;
  let found: { address: number; size: number } | null = null;
  for (let at = 0; at + layout.size <= headers.length; at += layout.size) {
    const { type, vaddr, memsz } = readStruct(view, at, layout, true);
    if (type === SegmentType.phdr) bias = address - vaddr;
    if (type === SegmentType.dynamic) found = { address: vaddr, size: memsz };
  }
  return found && { address: found.address + bias, size: found.size };
}

function findTag(dynamic: LittleEndian, tag: number, wordSize: 4 | 8): number {
  for (let at = 0; at + 2 * wordSize <= dynamic.length; at += 2 * wordSize) {
    const found = dynamic.word(at, wordSize);
    if (found === 0) break;
    if (found === tag) return dynamic.word(at + wordSize, wordSize);
  }
  return 0;
}

function walk(memory: Memory, first: number, wordSize: 4 | 8): { linkMap: LinkMapEntry[]; whole: boolean } {
  const linkMap: LinkMapEntry[] = [];
  let at = first;
  while (at !== 0 && linkMap.length < MAX_OBJECTS) {
    const map = new LittleEndian(read(memory, at, 4 * wordSize));
    if (map.length < 4 * wordSize) break;
    const name = new LittleEndian(readName(memory, map.word(wordSize, wordSize)));
    linkMap.push({
      address: map.word(0, wordSize),
      dynamic: map.word(2 * wordSize, wordSize),
      name: name.text(0, MAX_NAME),
    });
    at = map.word(3 * wordSize, wordSize);
  }
  return { linkMap, whole: at === 0 && first !== 0 };
}

function read(memory: Memory, address: number, size: number): Uint8Array {
  if (!(address > 0 && size > 0 && Number.isSafeInteger(address + size))) return new Uint8Array(0);
  const into = new Uint8Array(size);
  return into.subarray(0, memory.read(address, into));
}

/** A page at a time: names are short. */
function readName(memory: Memory, address: number): Uint8Array {
  const first = read(memory, address, 256);
  return first.length < 256 || first.includes(0) ? first : read(memory, address, MAX_NAME);
}

/** The stream MD_LINUX_DSO_DEBUG: MDRawDebug and .dynamic, then the link map and its names. */
export function dsoDebugSection(debug: DsoDebug, wordSize: 4 | 8): Section {
  const layout = wordSize === 8 ? DSO_DEBUG_64 : DSO_DEBUG_32;
  const entry = wordSize === 8 ? LINK_MAP_64 : LINK_MAP_32;
  const streamSize = layout.size + debug.dynamicSection.length;
  const mapSize = align8(entry.size * debug.linkMap.length);
  const names = debug.linkMap.reduce((sum, { name }) => sum + align8(mdStringSize(name)), 0);
  return {
    type: StreamType.linuxDsoDebug,
    streamSize,
    size: align8(streamSize) + mapSize + names,
    write(out, rva) {
      const mapRva = rva + align8(streamSize);
      out.struct(rva, layout as typeof DSO_DEBUG_64, {
        version: debug.version,
        mapRva,
        count: debug.linkMap.length,
        brk: debug.brk,
        loaderBase: debug.loaderBase,
        dynamic: debug.dynamic,
      });
      out.set(rva + layout.size, debug.dynamicSection);
      let nameRva = mapRva + mapSize;
      debug.linkMap.forEach(({ address, dynamic, name }, i) => {
        out.struct(mapRva + entry.size * i, entry as typeof LINK_MAP_64, { address, nameRva, dynamic });
        out.text(nameRva, name);
        nameRva += align8(mdStringSize(name));
      });
    },
  };
}
