/**
 * The dynamic linker's list for debuggers that open the core: they find the libraries by it, in memory. Where a dump
 * did not capture all of it and has a dso_debug stream (whose entries may come from elsewhere), a list is made of that
 * stream: r_debug, link_maps and names in a place where nothing is mapped, and DT_DEBUG in the program's .dynamic
 * leading there. Breakpad's minidump-2-core does likewise.
 */
import type { Memory } from '../bytes/memory.js';
import { setU64 } from '../bytes/struct.js';
import type { MapsEntry } from '../linux/maps.js';
import type { MinidumpDsoDebug } from '../minidump/reader/linux-streams.js';
import type { Minidump } from '../minidump/reader/minidump.js';
import { findDsoDebug } from './dso-debug.js';
import { type CoreRegion, part } from './planned-segments.js';

const PAGE = 4096;
/** Below this no Linux lets a process map anything by default (vm.mmap_min_addr). */
const LOWEST = 0x10000;
const DT_DEBUG = 21;
/** r_debug: version, map, brk, state, ldbase. link_map: addr, name, ld, next, prev; debuggers look no further. */
const R_DEBUG_WORDS = 5;
const LINK_MAP_WORDS = 5;

/** The regions, with those of a made-up list over and between them where one is needed. All ascending and disjoint. */
export function withLibraryList(
  dump: Minidump,
  maps: readonly MapsEntry[],
  regions: readonly CoreRegion[],
  wordSize: 4 | 8,
): readonly CoreRegion[] {
  const listed = dump.tolerate(() => dump.dsoDebug, null);
  if (listed === null || listed.linkMap.length === 0 || listed.dynamic <= 0) return regions;
  if (!Number.isSafeInteger(listed.dynamic + listed.dynamicSection.length)) return regions;
  const auxv = dump.tolerate(() => dump.auxv, null) ?? [];
  if (findDsoDebug(dump.memory, auxv, wordSize)?.whole === true) return regions;
  const bytes = encodeList(listed, wordSize);
  const place = freePlace(maps, regions, bytes.length, wordSize);
  if (place === null) return regions;
  const dynamic = dynamicWith(listed, dump.memory, place, wordSize);
  if (dynamic === null) return regions;
  relocate(bytes, place, listed.linkMap.length, wordSize);
  const added = [region(place, bytes), region(listed.dynamic, dynamic)];
  return added.reduce(overlay, regions);
}

function region(address: number, bytes: Uint8Array): CoreRegion {
  return { address, size: bytes.length, rva: 0, bytes };
}

/** With pointers relative to its begin; `relocate` makes them addresses. */
function encodeList({ version, brk, loaderBase, linkMap }: MinidumpDsoDebug, wordSize: 4 | 8): Buffer {
  const names = linkMap.map(({ name }) => Buffer.from(`${name}\0`));
  const mapsAt = R_DEBUG_WORDS * wordSize;
  let nameAt = mapsAt + linkMap.length * LINK_MAP_WORDS * wordSize;
  const bytes = Buffer.alloc(nameAt + names.reduce((sum, { length }) => sum + length, 0));
  const word = (at: number, value: number): void => writeWord(bytes, at, value, wordSize);
  word(0, version || 1);
  word(wordSize, mapsAt);
  word(2 * wordSize, brk);
  word(4 * wordSize, loaderBase);
  linkMap.forEach(({ address, dynamic }, i) => {
    const at = mapsAt + i * LINK_MAP_WORDS * wordSize;
    word(at, address);
    word(at + wordSize, nameAt);
    word(at + 2 * wordSize, dynamic);
    word(at + 3 * wordSize, i + 1 < linkMap.length ? at + LINK_MAP_WORDS * wordSize : 0);
    word(at + 4 * wordSize, i > 0 ? at - LINK_MAP_WORDS * wordSize : 0);
    bytes.set(names[i]!, nameAt);
    nameAt += names[i]!.length;
  });
  return bytes;
}

function relocate(bytes: Buffer, place: number, count: number, wordSize: 4 | 8): void {
  const move = (at: number): void => {
    const value = wordSize === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
    if (value !== 0) writeWord(bytes, at, value + place, wordSize);
  };
  move(wordSize);
  for (let i = 0; i < count; i++) {
    const at = (R_DEBUG_WORDS + i * LINK_MAP_WORDS) * wordSize;
    for (const field of [1, 3, 4]) move(at + field * wordSize);
  }
}

/** The lowest whole pages where nothing is; null in an address space that has none below 4 GiB. */
function freePlace(
  maps: readonly MapsEntry[],
  regions: readonly CoreRegion[],
  size: number,
  wordSize: 4 | 8,
): number | null {
  const taken = [
    ...maps.map(({ start, end }) => ({ start, end })),
    ...regions.map((each) => ({ start: each.address, end: each.address + each.size })),
  ].sort((a, b) => a.start - b.start);
  let place = LOWEST;
  for (const { start, end } of taken) {
    if (start >= place + size) break;
    place = Math.max(place, Math.ceil(end / PAGE) * PAGE);
  }
  return wordSize === 8 || place + size <= 0x1_0000_0000 ? place : null;
}

/** .dynamic as it was in memory, else as the stream has it, leading to the list; null when it has no DT_DEBUG. */
function dynamicWith(listed: MinidumpDsoDebug, memory: Memory, place: number, wordSize: 4 | 8): Buffer | null {
  const bytes = Buffer.from(listed.dynamicSection);
  const captured = Buffer.alloc(bytes.length);
  if (memory.read(listed.dynamic, captured) === captured.length) captured.copy(bytes);
  for (let at = 0; at + 2 * wordSize <= bytes.length; at += 2 * wordSize) {
    const tag = wordSize === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
    if (tag === 0) break;
    if (tag !== DT_DEBUG) continue;
    writeWord(bytes, at + wordSize, place, wordSize);
    return bytes;
  }
  return null;
}

/** `regions` with `added` in the place of what it covers. */
function overlay(regions: readonly CoreRegion[], added: CoreRegion): readonly CoreRegion[] {
  const end = added.address + added.size;
  const kept = regions.flatMap((each) => {
    const parts: CoreRegion[] = [];
    const eachEnd = each.address + each.size;
    if (eachEnd <= added.address || each.address >= end) return [each];
    if (each.address < added.address) parts.push(part(each, 0, added.address - each.address));
    if (eachEnd > end) parts.push(part(each, end - each.address, eachEnd - end));
    return parts;
  });
  return [...kept, added].sort((a, b) => a.address - b.address);
}

function writeWord(bytes: Buffer, at: number, value: number, wordSize: 4 | 8): void {
  if (wordSize === 4) bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  else setU64(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, value);
}
