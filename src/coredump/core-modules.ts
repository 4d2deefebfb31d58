/** The modules of a core, with what their images in memory say of themselves: build id and soname. */

import { type ByteSource, SliceSource } from '../bytes/byte-source.js';
import { LittleEndian } from '../bytes/little-endian.js';
import type { Memory } from '../bytes/memory.js';
import { type MemoryRange, MemorySource } from '../bytes/memory-source.js';
import type { MapsEntry } from '../linux/maps.js';
import type { ModuleRecord } from '../minidump/format/records.js';
import {
  type ModuleOfMaps,
  moduleName,
  modulesFromMaps,
  VDSO_NAME,
  versionFromName,
} from '../minidump/writer/modules-from-maps.js';
import { soname } from '../objects/elf/dynamic.js';
import { ElfFile } from '../objects/elf/elf-file.js';
import { SegmentType } from '../objects/elf/layout.js';

const ELF_MAGIC = 0x464c457f;
const PAGE = 4096;

/**
 * The file that was mapped by this name, where it is at hand; it is used when its build id is that of the image in
 * memory.
 */
export type FileOf = (name: string) => ByteSource | null;

/** The main program first. `entry`: AT_ENTRY, 0 when unknown. */
export function modulesOfMemory(
  mappings: readonly MapsEntry[],
  memory: Memory,
  entry: number,
  fileOf: FileOf = () => null,
): ModuleRecord[] {
  const word = new Uint8Array(4);
  const isElf = ({ start }: MapsEntry): boolean | null =>
    memory.read(start, word) < 4 ? null : new LittleEndian(word).u32(0) === ELF_MAGIC;
  return modulesFromMaps(mappings, { entry, isElf }).map((module) => describe(module, mappings, memory, fileOf));
}

function describe(module: ModuleOfMaps, mappings: readonly MapsEntry[], memory: Memory, fileOf: FileOf): ModuleRecord {
  const { base, size } = module;
  const elf = ElfFile.parse(new MemorySource(memory, rangesOf(module, mappings)));
  if (!(elf instanceof ElfFile)) return { base, size, name: module.name };
  const name =
    module.name === VDSO_NAME ? VDSO_NAME : moduleName(module.name, sonameOf(module, elf, fileOf), module.offset);
  const version = versionFromName(name);
  return {
    base,
    size,
    name,
    ...(elf.buildId === null ? {} : { buildId: Buffer.from(elf.buildId, 'hex') }),
    ...(version === null ? {} : { version }),
  };
}

/** A core of the kernel has the first page of an image only: the name lies behind it, in the file. */
function sonameOf({ base, name, offset }: ModuleOfMaps, elf: ElfFile, fileOf: FileOf): string | null {
  const lowest = elf.segments.find(({ type }) => type === SegmentType.load)?.vaddr ?? 0;
  const found = soname(elf, false, base - (lowest - (lowest % PAGE)));
  if (found !== null || elf.buildId === null) return found;
  const file = fileOf(name);
  if (file === null) return null;
  const whole = ElfFile.parse(offset === 0 ? file : new SliceSource(file, offset));
  return whole instanceof ElfFile && whole.buildId === elf.buildId ? whole.soname : null;
}

/** The module's mappings by their offset in its file. */
function rangesOf(module: ModuleOfMaps, mappings: readonly MapsEntry[]): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  const { name } = mappings[module.mapping]!;
  for (let i = module.mapping; i < mappings.length; i++) {
    const mapping = mappings[i]!;
    if (mapping.start >= module.base + module.size) break;
    if (mapping.name !== name) continue;
    const size = mapping.end - mapping.start;
    ranges.push({ offset: mapping.offset - module.offset, address: mapping.start, size });
  }
  return ranges;
}
