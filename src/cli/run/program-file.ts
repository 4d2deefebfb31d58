/** What kind of file a program is: read by the user who is about to run it, with that user's rights. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BufferSource } from '../../bytes/byte-source.js';
import { ElfError } from '../../objects/elf/elf-error.js';
import { ElfFile } from '../../objects/elf/elf-file.js';

export interface ProgramFile {
  /** The ELF file that the kernel starts: of a script, its interpreter. */
  readonly path: string;
  /** As the client libraries' directories are named; null for a machine that has none. */
  readonly arch: 'x86_64' | 'i386' | 'arm64' | 'arm' | null;
  /** The dynamic linker (PT_INTERP); null for a program that is linked statically. */
  readonly linker: string | null;
  /** It runs with rights that its caller does not have: the dynamic linker then preloads nothing from a path. */
  readonly elevated: boolean;
}

/** Headers and the interpreter's name are in the first page; a page more costs nothing. */
const HEAD_BYTES = 64 * 1024;
/** Scripts whose interpreter is a script: the kernel follows four (execve(2)). */
const MAX_SCRIPTS = 4;
const MAX_PATH = 4096;
const PT_INTERP = 3;
const EM_386 = 3;
const EM_ARM = 40;
const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const S_ISUID = 0o4000;
/** Set-group-ID counts where the group may execute; without that bit it once meant mandatory locks (inode(7)). */
const S_ISGID_X = 0o2010;

/** Null where that cannot be told: the file is not readable, or neither ELF nor a script. */
export function programFile(path: string): ProgramFile | null {
  for (let scripts = 0; scripts <= MAX_SCRIPTS; scripts++) {
    const file = open(path);
    if (file === null) return null;
    const interpreter = interpreterOf(file.head);
    if (interpreter === null) return elfProgram(path, file);
    path = interpreter;
  }
  return null;
}

interface OpenedFile {
  readonly head: Buffer;
  readonly elevated: boolean;
}

function open(path: string): OpenedFile | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const { mode, uid, gid } = fstatSync(fd);
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(fd, head, 0, HEAD_BYTES, 0);
    const elevated =
      ((mode & S_ISUID) !== 0 && uid !== process.geteuid?.()) ||
      ((mode & S_ISGID_X) === S_ISGID_X && gid !== process.getegid?.());
    return { head: head.subarray(0, length), elevated };
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** The first word after `#!`; null for what is no script. */
function interpreterOf(head: Buffer): string | null {
  const match = /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1', 0, 256));
  return match === null ? null : Buffer.from(match[1]!, 'latin1').toString();
}

function elfProgram(path: string, { head, elevated }: OpenedFile): ProgramFile | null {
  const elf = ElfFile.parse(new BufferSource(head));
  if (elf instanceof ElfError) return null;
  const segment = elf.segments.find(({ type }) => type === PT_INTERP);
  const name =
    segment === undefined ? null : head.subarray(segment.offset, segment.offset + Math.min(segment.filesz, MAX_PATH));
  const linker = name === null ? null : (name.toString().split('\0')[0] ?? null);
  return { path, arch: archOf(elf), linker, elevated };
}

function archOf({ machine, bits }: ElfFile): ProgramFile['arch'] {
  if (machine === EM_386) return 'i386';
  // x32: 32-bit programs of the 64-bit machine; there is no handler for them.
  if (machine === EM_X86_64) return bits === 64 ? 'x86_64' : null;
  if (machine === EM_AARCH64) return bits === 64 ? 'arm64' : null;
  return machine === EM_ARM ? 'arm' : null;
}
