/** The compressed ELF image in .gnu_debugdata. */
import { BufferSource } from '../../bytes/byte-source.js';
import { ElfError } from './elf-error.js';
import { ElfFile } from './elf-file.js';
import { decompressXz } from './xz.js';

const known = new WeakMap<ElfFile, ElfFile | ElfError | null>();

/**
 * The ELF image inside .gnu_debugdata ("minidebuginfo": an xz-compressed ELF file with .symtab and .debug_frame of what
 * the outer file was stripped of; gdb manual, "MiniDebugInfo"). Its addresses are the outer image's. Null when there is
 * none, an error when it cannot be used. Decompressed on the first call and kept as long as the outer image.
 */
export function gnuDebugData(elf: ElfFile): ElfFile | ElfError | null {
  let inner = known.get(elf);
  if (inner === undefined) {
    inner = open(elf);
    known.set(elf, inner);
    // One level: an image inside an image inside is nobody's debug data.
    if (inner instanceof ElfFile) known.set(inner, null);
  }
  return inner;
}

function open(elf: ElfFile): ElfFile | ElfError | null {
  const section = elf.section('.gnu_debugdata');
  if (section === null) return null;
  const bytes = decompressXz(elf.contents(section));
  return bytes instanceof ElfError ? bytes : ElfFile.parse(new BufferSource(bytes));
}
