/** The modules of a core, with what their images in memory say of themselves: build id and soname. */

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
import { ElfFile } from '../objects/elf/elf-file.js';

const ELF_MAGIC = 0x464c457f;

/** The main program first. `entry`: AT_ENTRY, 0 when unknown. */
export function modulesOfMemory(mappings: readonly MapsEntry[], memory: Memory, entry: number): ModuleRecord[] {
  const word = new Uint8Array(4);
  const isElf = ({ start }: MapsEntry): boolean | null =>
    memory.read(start, word) < 4 ? null : new LittleEndian(word).u32(0) === ELF_MAGIC;
  return modulesFromMaps(mappings, { entry, isElf }).map((module) => describe(module, mappings, memory));
}

function describe(module: ModuleOfMaps, mappings: readonly MapsEntry[], memory: Memory): ModuleRecord {
  const { base, size } = module;
  const elf = ElfFile.parse(new MemorySource(memory, rangesOf(module, mappings)));
  if (!(elf instanceof ElfFile)) return { base, size, name: module.name };
  const name = module.name === VDSO_NAME ? VDSO_NAME : moduleName(module.name, elf.soname, module.offset);
  const version = versionFromName(name);
  return {
    base,
    size,
    name,
    ...(elf.buildId === null ? {} : { buildId: Buffer.from(elf.buildId, 'hex') }),
    ...(version === null ? {} : { version }),
  };
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
