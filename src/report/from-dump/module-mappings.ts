/**
 * Crashpad's dumps have no maps: a module there is one range. What lies where in it, its file's program headers say.
 */

import type { ByteSource } from '../../bytes/byte-source.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import { SegmentType } from '../../objects/elf/layout.js';
import type { DumpMapping } from './mappings.js';

const PAGE = 4096;
const MAX_SEGMENTS = 64;

const down = (value: number) => value - (value % PAGE);
const up = (value: number) => down(value + PAGE - 1);

/** The segments of one module as the kernel would have mapped them; the module as it is when its file says nothing. */
function split(module: DumpMapping, file: ByteSource): DumpMapping[] {
  const elf = ElfFile.parse(file);
  if (!(elf instanceof ElfFile)) return [module];
  const loads = elf.segments.filter(({ type, filesz }) => type === SegmentType.load && filesz > 0);
  const [first] = loads;
  if (first === undefined || loads.length > MAX_SEGMENTS) return [module];
  const base = module.start - down(first.vaddr);
  const mappings: DumpMapping[] = [];
  let end = module.start;
  for (const { vaddr, offset, filesz, flags } of loads) {
    const start = Math.max(end, base + down(vaddr));
    end = Math.min(module.end, base + up(vaddr + filesz));
    if (end <= start) return [module];
    const perms = `${flags & 4 ? 'r' : '-'}${flags & 2 ? 'w' : '-'}${flags & 1 ? 'x' : '-'}p`;
    const prot = ((flags & 4) >> 2) | (flags & 2) | ((flags & 1) << 2);
    mappings.push({ ...module, start, end, perms, prot, offset: down(offset) });
  }
  return mappings;
}

/** @param fileOf the file behind a module, null when it was not found */
export function splitModules(
  modules: readonly DumpMapping[],
  fileOf: (module: DumpMapping) => ByteSource | null,
): DumpMapping[] {
  return modules.flatMap((module) => {
    const file = fileOf(module);
    return file === null ? [module] : split(module, file);
  });
}
