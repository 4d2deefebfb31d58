/**
 * Structures of ELF core files, for both word sizes. Sources: System V gABI (headers), the kernel's fs/binfmt_elf.c and
 * include/linux/elfcore.h (notes and their order), <sys/procfs.h> (elf_prstatus, elf_prpsinfo; 32-bit ids are 16 bits wide).
 */
import { i32, struct, u8, u16, u32, u64 } from '../bytes/struct.js';

export const ET_CORE = 4;
export const PT_LOAD = 1;
export const PT_NOTE = 4;
/** e_phnum when there are more: the number is in sh_info of section 0. */
export const PN_XNUM = 0xffff;
export const SegmentFlag = { x: 1, w: 2, r: 4 } as const;

export const NoteType = {
  prstatus: 1,
  fpregset: 2,
  prpsinfo: 3,
  auxv: 6,
  siginfo: 0x53494749,
  file: 0x46494c45,
} as const;

/** Owner of the notes above. Other register sets belong to `LINUX`. */
export const OWNER_CORE = 'CORE';
export const OWNER_LINUX = 'LINUX';

export const ELF_HEADER_32 = struct(52, {
  type: u16(16),
  machine: u16(18),
  version: u32(20),
  phoff: u32(28),
  shoff: u32(32),
  ehsize: u16(40),
  phentsize: u16(42),
  phnum: u16(44),
  shentsize: u16(46),
  shnum: u16(48),
});
export const ELF_HEADER_64 = struct(64, {
  type: u16(16),
  machine: u16(18),
  version: u32(20),
  phoff: u64(32),
  shoff: u64(40),
  ehsize: u16(52),
  phentsize: u16(54),
  phnum: u16(56),
  shentsize: u16(58),
  shnum: u16(60),
});
export const PROGRAM_HEADER_32 = struct(32, {
  type: u32(0),
  offset: u32(4),
  vaddr: u32(8),
  filesz: u32(16),
  memsz: u32(20),
  flags: u32(24),
  align: u32(28),
});
export const PROGRAM_HEADER_64 = struct(56, {
  type: u32(0),
  flags: u32(4),
  offset: u64(8),
  vaddr: u64(16),
  filesz: u64(32),
  memsz: u64(40),
  align: u64(48),
});
/** sh_info of section header 0, and the header's size. */
export const SECTION_HEADER_32 = struct(40, { info: u32(28) });
export const SECTION_HEADER_64 = struct(64, { info: u32(44) });
export const NOTE_HEADER = struct(12, { nameSize: u32(0), size: u32(4), type: u32(8) });

/** elf_prstatus up to the registers, which `registersAt` follows; then int pr_fpvalid. */
export const PRSTATUS_32 = struct(72, {
  signal: i32(0),
  code: i32(4),
  errno: i32(8),
  currentSignal: u16(12),
  pid: u32(24),
  ppid: u32(28),
  pgrp: u32(32),
  sid: u32(36),
});
export const PRSTATUS_64 = struct(112, {
  signal: i32(0),
  code: i32(4),
  errno: i32(8),
  currentSignal: u16(12),
  pid: u32(32),
  ppid: u32(36),
  pgrp: u32(40),
  sid: u32(44),
});

export const PRPSINFO_32 = struct(124, {
  state: u8(0),
  stateName: u8(1),
  uid: u16(8),
  gid: u16(10),
  pid: u32(12),
  ppid: u32(16),
  pgrp: u32(20),
  sid: u32(24),
});
export const PRPSINFO_64 = struct(136, {
  state: u8(0),
  stateName: u8(1),
  uid: u32(16),
  gid: u32(20),
  pid: u32(24),
  ppid: u32(28),
  pgrp: u32(32),
  sid: u32(36),
});
/** char pr_fname[16], then char pr_psargs[80]. */
export const PRPSINFO_TEXTS = { 4: { name: 28, arguments: 44 }, 8: { name: 40, arguments: 56 } } as const;
export const NAME_SIZE = 16;
export const ARGUMENTS_SIZE = 80;

export interface CoreLayout {
  readonly elf: typeof ELF_HEADER_64;
  readonly program: typeof PROGRAM_HEADER_64;
  readonly section: typeof SECTION_HEADER_64;
  readonly prstatus: typeof PRSTATUS_64;
  readonly prpsinfo: typeof PRPSINFO_64;
  readonly texts: { readonly name: number; readonly arguments: number };
}

/** Both sizes have the same fields, at other places and widths. */
export const LAYOUTS: Readonly<Record<4 | 8, CoreLayout>> = {
  4: {
    elf: ELF_HEADER_32 as unknown as typeof ELF_HEADER_64,
    program: PROGRAM_HEADER_32 as unknown as typeof PROGRAM_HEADER_64,
    section: SECTION_HEADER_32 as unknown as typeof SECTION_HEADER_64,
    prstatus: PRSTATUS_32 as unknown as typeof PRSTATUS_64,
    prpsinfo: PRPSINFO_32 as unknown as typeof PRPSINFO_64,
    texts: PRPSINFO_TEXTS[4],
  },
  8: {
    elf: ELF_HEADER_64,
    program: PROGRAM_HEADER_64,
    section: SECTION_HEADER_64,
    prstatus: PRSTATUS_64,
    prpsinfo: PRPSINFO_64,
    texts: PRPSINFO_TEXTS[8],
  },
};
