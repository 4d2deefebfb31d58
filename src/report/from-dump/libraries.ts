/**
 * The list of loaded libraries for the dump: as far as the dynamic linker's own list was copied, that; the libraries
 * that it lacks (they were opened at run time, so their entries lie on the heap) by the module list and what their
 * files say.
 */

import { type DsoDebug, findDsoDebug } from '../../coredump/dso-debug.js';
import { Auxv } from '../../linux/auxv.js';
import type { LinkMapEntry } from '../../minidump/reader/linux-streams.js';
import { VDSO_NAME } from '../../minidump/writer/modules-from-maps.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import { SegmentType } from '../../objects/elf/layout.js';
import type { OpenedDump } from './opened-dump.js';

const PAGE = 4096;
const MAX_DYNAMIC = 64 * 1024;

export interface LoadedImage {
  readonly base: number;
  readonly name: string;
  readonly elf: ElfFile;
}

/** Null for a program without a dynamic linker. `images`: of the modules, the main program first. */
export function librariesOf({ dump, arch }: OpenedDump, images: readonly LoadedImage[]): DsoDebug | null {
  const auxv = dump.tolerate(() => dump.auxv, null) ?? [];
  const loader = Number(auxv.find(({ type }) => type === Auxv.AT_BASE)?.value ?? 0n);
  const found = findDsoDebug(dump.memory, auxv, arch.wordSize);
  if (found?.whole === true || loader === 0) return found;
  const [main] = images;
  if (main === undefined) return found;
  const known = new Set(found?.linkMap.map(({ dynamic }) => dynamic) ?? []);
  const others = images.filter(({ name }) => name !== VDSO_NAME).map((image) => entryOf(image, image === main));
  const linkMap = [...(found?.linkMap ?? []), ...others.filter(({ dynamic }) => dynamic !== 0 && !known.has(dynamic))];
  if (found !== null) return { ...found, linkMap };
  const segment = main.elf.segments.find(({ type }) => type === SegmentType.dynamic);
  if (segment === undefined) return null;
  const dynamicSection = main.elf.source.bytes(segment.offset, Math.min(segment.filesz, MAX_DYNAMIC));
  const { dynamic } = entryOf(main, true);
  return { version: 1, brk: 0, loaderBase: loader, dynamic, linkMap, whole: false, dynamicSection };
}

/** As the linker would have it: the main program has no name there. */
function entryOf({ base, name, elf }: LoadedImage, isMain: boolean): LinkMapEntry {
  const first = elf.segments.find(({ type }) => type === SegmentType.load)?.vaddr ?? 0;
  const dynamic = elf.segments.find(({ type }) => type === SegmentType.dynamic)?.vaddr;
  const address = base - (first - (first % PAGE));
  return { address, dynamic: dynamic === undefined ? 0 : address + dynamic, name: isMain ? '' : name };
}
