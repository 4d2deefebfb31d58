/**
 * The files of one job as the unwinder's ModuleSource: descriptors by device and inode, each proven by its build id.
 */

import type { ByteSource } from '../../bytes/byte-source.js';
import type { Memory } from '../../bytes/memory.js';
import { MemorySource } from '../../bytes/memory-source.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import type { Mapping } from '../../unwind/mapping.js';
import type { ModuleSource } from '../../unwind/module.js';
import type { SoftError } from '../model/report.js';

/** A file that may stand behind mappings of this device and inode. */
export interface CandidateFile {
  /** Device as maps prints it (`fd:01`). */
  readonly device: string;
  readonly inode: number;
  readonly source: ByteSource;
}

/** Build id of the image whose first page was copied from memory at `start`; null when that says nothing. */
export function buildIdInMemory(memory: Memory, start: number, end: number): string | null {
  const elf = ElfFile.parse(new MemorySource(memory, [{ offset: 0, address: start, size: end - start }]));
  return elf instanceof ElfFile ? elf.buildId : null;
}

/** Whether the file is an image with this build id. */
function hasBuildId(source: ByteSource, buildId: string): boolean {
  const elf = ElfFile.parse(source);
  return elf instanceof ElfFile && elf.buildId === buildId;
}

/**
 * A file is used where device and inode are the mapping's, and where the image in memory, as far as its first page was
 * copied, has the file's build id: an inode may have been written over since it was mapped.
 */
export class JobModules implements ModuleSource {
  readonly #files = new Map<string, ByteSource>();
  /** First mappings of files: the one with offset 0, by device and inode. */
  readonly #heads = new Map<string, Mapping>();
  readonly #proven = new Map<string, ByteSource | null>();
  readonly #memory: Memory;
  readonly #softErrors: SoftError[];

  /** `softErrors` collects the files that were not used and why. */
  constructor(files: readonly CandidateFile[], mappings: readonly Mapping[], memory: Memory, softErrors: SoftError[]) {
    for (const { device, inode, source } of files) this.#files.set(`${device}:${inode}`, source);
    for (const mapping of mappings) {
      const key = `${mapping.device}:${mapping.inode}`;
      if (mapping.offset === 0 && mapping.inode !== 0 && !this.#heads.has(key)) this.#heads.set(key, mapping);
    }
    this.#memory = memory;
    this.#softErrors = softErrors;
  }

  file(mapping: Mapping): ByteSource | null {
    if (mapping.inode === 0) return null;
    const key = `${mapping.device}:${mapping.inode}`;
    let proven = this.#proven.get(key);
    if (proven === undefined) {
      proven = this.#prove(key, mapping);
      this.#proven.set(key, proven);
    }
    return proven;
  }

  #prove(key: string, mapping: Mapping): ByteSource | null {
    const source = this.#files.get(key);
    if (source === undefined) return null;
    const head = this.#heads.get(key);
    const expected = head ? buildIdInMemory(this.#memory, head.start, head.end) : null;
    if (expected === null || hasBuildId(source, expected)) return source;
    this.#softErrors.push({
      step: 'module',
      message: `${mapping.name}: the file is no longer the one that was mapped`,
    });
    return null;
  }
}
