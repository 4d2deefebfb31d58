/**
 * Finds the binaries of a dump on this machine, and their separated debug files: below a directory, by build id, or
 * where they were on the machine of the crash. A file whose identity is not the one in the dump is never used.
 */
import { join, normalize } from 'node:path';
import type { ByteSource } from '../bytes/byte-source.js';
import { isDevicePath } from '../linux/device-path.js';
import type { Minidump } from '../minidump/reader/minidump.js';
import type { MinidumpModule } from '../minidump/reader/modules.js';
import { withoutDeleted } from '../minidump/writer/modules-from-maps.js';
import { debugImage, isDebugFile } from '../objects/elf/debug-image.js';
import { ElfFile } from '../objects/elf/elf-file.js';
import { SegmentType } from '../objects/elf/layout.js';
import { difference, type ModuleIdentity, moduleIdentity } from '../report/from-dump/identity.js';
import type { DumpMapping } from '../report/from-dump/mappings.js';
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

const PAGE = 4096;
/** Where distributions install debug files (gdb manual, "Separate Debug Files"). */
const DEBUG_ROOT = '/usr/lib/debug';

/** The path of a dump's name on this machine; null for what must not be opened. */
function pathOf(name: string, sysroot: string): string | null {
  const path = normalize(withoutDeleted(name));
  // A name from a dump must not lead out of the sysroot, nor to a device.
  return path.startsWith('/') && !isDevicePath(path) ? join(sysroot || '/', path) : null;
}

/** Where a file may be, the likeliest first. Those by build id may be debug files. */
export function candidatePaths(name: string, buildId: string | null, places: BinaryPlaces): string[] {
  const path = pathOf(name, places.sysroot);
  return [...(path === null ? [] : [path]), ...debugPaths(name, buildId, places)];
}

function debugPaths(name: string, buildId: string | null, { sysroot, buildIdDirs }: BinaryPlaces): string[] {
  const paths: string[] = [];
  const debugRoot = join(sysroot || '/', DEBUG_ROOT);
  if (buildId !== null && buildId.length > 2) {
    const entry = `${buildId.slice(0, 2)}/${buildId.slice(2)}`;
    for (const dir of [...buildIdDirs, debugRoot]) {
      for (const base of dir === debugRoot ? [join(dir, '.build-id')] : [dir, join(dir, '.build-id')]) {
        paths.push(join(base, entry), join(base, `${entry}.debug`));
      }
    }
  }
  const installed = pathOf(name, debugRoot);
  if (installed !== null) paths.push(`${installed}.debug`);
  return paths;
}

/** ModuleSource over files found by path; each is opened once. */
export class Binaries implements ModuleSource {
  readonly #places: BinaryPlaces;
  readonly #dump: Minidump;
  readonly #mappings: readonly DumpMapping[];
  readonly #records = new Map<string, MinidumpModule>();
  readonly #found = new Map<string, ByteSource | null>();
  readonly #debug = new Map<string, ElfFile | null>();
  readonly #names = new Map<string, string>();
  readonly #files = new OpenedFiles();
  readonly #softErrors: SoftError[];
  /** Files that are there and were not used, and why: they are worth a word where what is not found is not. */
  readonly refused: string[] = [];

  constructor(dump: Minidump, mappings: readonly DumpMapping[], places: BinaryPlaces, softErrors: SoftError[]) {
    this.#places = places;
    this.#dump = dump;
    this.#mappings = mappings;
    this.#softErrors = softErrors;
    // The base of a module is that of its first mapping, whose name may be another.
    const byBase = new Map(mappings.map((mapping) => [mapping.start, mapping.name]));
    for (const module of dump.tolerate(() => dump.modules, null) ?? []) {
      const name = byBase.get(module.base) ?? module.name;
      if (!this.#records.has(name)) this.#records.set(name, module);
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

  /** The debug file of an image that has no symbol table of its own. */
  debugFile(elf: ElfFile): ElfFile | null {
    const { buildId } = elf;
    if (buildId === null || elf.section('.symtab') !== null) return null;
    let found = this.#debug.get(buildId);
    if (found === undefined) {
      found = null;
      for (const path of debugPaths(this.#names.get(buildId) ?? '', buildId, this.#places)) {
        const debug = this.#open(path);
        if (debug === null || debug.buildId !== buildId || debug.section('.symtab') === null) continue;
        found = debug;
        break;
      }
      this.#debug.set(buildId, found);
    }
    return found;
  }

  close(): void {
    this.#files.close();
  }

  #find(name: string): ByteSource | null {
    const head = this.#mappings.find((mapping) => mapping.name === name && mapping.offset === 0);
    const identity = this.#identityOf(name, head);
    let other = '';
    let debug: ElfFile | null = null;
    for (const path of candidatePaths(name, identity.buildId, this.#places)) {
      const elf = this.#open(path);
      if (elf === null) continue;
      const differs = difference(elf, identity);
      if (differs === '') {
        if (elf.buildId !== null) this.#names.set(elf.buildId, name);
        if (!isDebugFile(elf)) return elf.source;
        debug ??= elf;
      } else other ||= `${path} ${differs}: not used`;
    }
    if (debug !== null && head !== undefined) return this.#inPlaceOf(debug, name, head);
    if (other !== '') this.refused.push(other);
    this.#softErrors.push({ step: 'module', message: other || `${name}: not found` });
    return null;
  }

  #identityOf(name: string, head: DumpMapping | undefined): ModuleIdentity {
    const record = this.#records.get(name) ?? null;
    const [start, end] = head === undefined ? [0, 0] : [head.start, head.end];
    return moduleIdentity(this.#dump.memory, start, end, record);
  }

  /** The binary is not there: its debug file has the symbols, and the mappings say what lay where. */
  #inPlaceOf(debug: ElfFile, name: string, head: DumpMapping): ByteSource {
    const lowest = debug.segments.find(({ type }) => type === SegmentType.load)?.vaddr ?? 0;
    const bias = head.start - (lowest - (lowest % PAGE));
    return debugImage(debug, (vaddr) => {
      const address = vaddr + bias;
      const mapping = this.#mappings.find((each) => each.name === name && address >= each.start && address < each.end);
      return mapping === undefined ? vaddr : mapping.offset + address - mapping.start;
    });
  }

  #open(path: string): ElfFile | null {
    const source = this.#files.open(path);
    const elf = source === null ? null : ElfFile.parse(source);
    return elf instanceof ElfFile ? elf : null;
  }
}
