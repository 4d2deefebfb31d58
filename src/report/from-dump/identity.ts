/**
 * What a dump says of a module that tells its file from others: a file is used only where it says the same. Identities
 * are, the surest first: the build id; a debug identifier (a GUID of the build id's first 16 bytes; Breakpad makes one
 * of an image's code where it has no build id); the first bytes of the image as they were in memory.
 */
import type { Memory } from '../../bytes/memory.js';
import { MemorySource } from '../../bytes/memory-source.js';
import { debugIdOf, type MinidumpModule } from '../../minidump/reader/modules.js';
import { ElfFile } from '../../objects/elf/elf-file.js';

export interface ModuleIdentity {
  /** Lower-case hex. */
  readonly buildId: string | null;
  /** 32 upper-case hex digits, and the age. */
  readonly debugId: string | null;
  /**
   * The first bytes of the image in memory, at least an ELF header; null when they were not copied, or are no ELF
   * image.
   */
  readonly head: Uint8Array | null;
}

const HEAD = 4096;
const ELF_HEADER = 52;

/** `record`: what the dump's module list has of it. `start` and `end`: the mapping where its image begins. */
export function moduleIdentity(
  memory: Memory,
  start: number,
  end: number,
  record: Pick<MinidumpModule, 'buildId' | 'debugId'> | null,
): ModuleIdentity {
  const elf = ElfFile.parse(new MemorySource(memory, [{ offset: 0, address: start, size: end - start }]));
  const bytes = new Uint8Array(Math.min(HEAD, end - start));
  const read = elf instanceof ElfFile ? memory.read(start, bytes) : 0;
  return {
    buildId: (elf instanceof ElfFile ? elf.buildId : null) ?? nonZero(record?.buildId ?? null),
    debugId: nonZero(record?.debugId ?? null),
    head: read >= ELF_HEADER ? bytes.subarray(0, read) : null,
  };
}

/** Writers that found no identity leave zeros. */
function nonZero(id: string | null): string | null {
  return id === null || /^0*$/.test(id) ? null : id;
}

/** '' when the file is the module's; otherwise what differs, for a message that begins with the file's name. */
export function difference(elf: ElfFile, { buildId, debugId, head }: ModuleIdentity): string {
  if (buildId !== null) {
    if (elf.buildId === buildId || (elf.buildId === null && codeHash(elf) === buildId)) return '';
    return `has build id ${elf.buildId ?? 'none'}, not ${buildId}`;
  }
  if (debugId !== null) {
    const own = elf.buildId ?? codeHash(elf);
    const ownDebugId = own === null ? null : debugIdOf({ kind: 'elf', buildId: Buffer.from(own, 'hex') });
    return ownDebugId === debugId ? '' : `has debug id ${ownDebugId ?? 'none'}, not ${debugId}`;
  }
  if (head !== null) {
    const same = Buffer.from(elf.source.bytes(0, head.length)).equals(head);
    return same ? '' : 'does not begin as the image in memory did';
  }
  return 'cannot be told from others: the dump has no identity of it';
}

/** Breakpad's identity of an image without build id: the first 4096 bytes of .text, each 16 XORed onto the others. */
function codeHash(elf: ElfFile): string | null {
  const section = elf.section('.text');
  if (section === null) return null;
  const length = Math.ceil(Math.min(section.size, 4096) / 16) * 16;
  const code = elf.source.bytes(section.offset, length);
  if (code.length === 0) return null;
  const hash = new Uint8Array(16);
  code.forEach((byte, i) => {
    hash[i % 16]! ^= byte;
  });
  return Buffer.from(hash).toString('hex');
}
