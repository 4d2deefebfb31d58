/** What is common to the files that hold code, whatever their format. */
import type { ByteSource } from '../bytes/byte-source.js';

export interface ObjectFile {
  readonly format: 'elf' | 'pe' | 'macho';
  /** The file's bytes; offset 0 is where the image begins. */
  readonly source: ByteSource;
  /** What identifies the build, as lower-case hex (ELF: NT_GNU_BUILD_ID); null when there is nothing. */
  readonly buildId: string | null;
}
