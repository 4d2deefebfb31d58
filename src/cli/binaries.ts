/** Finds the binaries of a dump on this machine: below a directory, by build id, or where they were on the machine of the crash. */
import { join, normalize } from 'node:path';
import type { ByteSource } from '../bytes/byte-source.js';
import type { Minidump } from '../minidump/reader/minidump.js';
import { withoutDeleted } from '../minidump/writer/modules-from-maps.js';
import { ElfFile } from '../objects/elf/elf-file.js';
import type { DumpMapping } from '../report/from-dump/mappings.js';
import { buildIdInMemory } from '../report/from-dump/modules.js';
import type { SoftError } from '../report/model/report.js';
import type { Mapping } from '../unwind/mapping.js';
import type { ModuleSource } from '../unwind/module.js';
import { OpenedFiles } from './opened-files.js';

export interface BinaryPlaces {
  /** Paths of the dump are looked up below it; '' for the machine itself. */
  readonly sysroot: string;
  /** Holding xx/yyyy or xx/yyyy.debug by the digits of the build id, perhaps below `.build-id`. */
  readonly buildIdDirs: readonly string[];
}

/** Where a file may be, the likeliest first. */
export function candidatePaths(name: string, buildId: string | null, { sysroot, buildIdDirs }: BinaryPlaces): string[] {
  const paths: string[] = [];
  const path = withoutDeleted(name);
  // A name from a dump must not lead out of the sysroot, nor to a device.
  if (path.startsWith('/') && !path.startsWith('/dev/')) paths.push(join(sysroot || '/', normalize(path)));
  if (buildId !== null && buildId.length > 2) {
    const entry = `${buildId.slice(0, 2)}/${buildId.slice(2)}`;
    for (const dir of buildIdDirs) {
      for (const base of [dir, join(dir, '.build-id')]) paths.push(join(base, entry), join(base, `${entry}.debug`));
    }
  }
  return paths;
}

/** ModuleSource over files found by path; each is opened once. */
export class Binaries implements ModuleSource {
  readonly #places: BinaryPlaces;
  readonly #buildIds = new Map<string, string>();
  readonly #found = new Map<string, ByteSource | null>();
  readonly #files = new OpenedFiles();
  readonly #softErrors: SoftError[];

  constructor(dump: Minidump, mappings: readonly DumpMapping[], places: BinaryPlaces, softErrors: SoftError[]) {
    this.#places = places;
    this.#softErrors = softErrors;
    for (const { name, start, end, offset } of mappings) {
      if (offset !== 0 || !name.startsWith('/') || this.#buildIds.has(name)) continue;
      const buildId = buildIdInMemory(dump.memory, start, end);
      if (buildId !== null) this.#buildIds.set(name, buildId);
    }
    // Other writers put it beside the module; its base is that of the mapping.
    const byBase = new Map(mappings.map((mapping) => [mapping.start, mapping.name]));
    for (const { base, name, buildId } of dump.tolerate(() => dump.modules, null) ?? []) {
      const mapped = byBase.get(base) ?? name;
      if (buildId !== null && !this.#buildIds.has(mapped)) this.#buildIds.set(mapped, buildId);
    }
  }

  file(mapping: Mapping): ByteSource | null {
    const { name } = mapping;
    if (!name.startsWith('/')) return null;
    let found = this.#found.get(name);
    if (found === undefined) {
      found = this.#find(name);
      this.#found.set(name, found);
    }
    return found;
  }

  close(): void {
    this.#files.close();
  }

  #find(name: string): ByteSource | null {
    const buildId = this.#buildIds.get(name) ?? null;
    let other = '';
    for (const path of candidatePaths(name, buildId, this.#places)) {
      const source = this.#files.open(path);
      if (source === null) continue;
      const elf = ElfFile.parse(source);
      if (!(elf instanceof ElfFile)) continue;
      if (buildId === null || elf.buildId === buildId) return source;
      other ||= `${path} has build id ${elf.buildId ?? 'none'}, not ${buildId}`;
    }
    this.#softErrors.push({ step: 'module', message: other || `${name}: not found` });
    return null;
  }
}
