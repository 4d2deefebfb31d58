/**
 * Structures of ELF core files besides the headers, for both word sizes. Sources: the kernel's fs/binfmt_elf.c and
 * include/linux/elfcore.h (notes and their order), <sys/procfs.h> (elf_prstatus, elf_prpsinfo; 32-bit ids are 16 bits
 * wide).
 */
import { i32, struct, u8, u16, u32 } from '../bytes/struct.js';
import { ELF_LAYOUTS, type ElfLayout } from '../objects/elf/layout.js';

export const ET_CORE = 4;

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

export interface CoreLayout extends ElfLayout {
  readonly prstatus: typeof PRSTATUS_64;
  readonly prpsinfo: typeof PRPSINFO_64;
  readonly texts: { readonly name: number; readonly arguments: number };
}

/** Both sizes have the same fields, at other places and widths. */
export const LAYOUTS: Readonly<Record<4 | 8, CoreLayout>> = {
  4: {
    ...ELF_LAYOUTS[4],
    prstatus: PRSTATUS_32 as unknown as typeof PRSTATUS_64,
    prpsinfo: PRPSINFO_32 as unknown as typeof PRPSINFO_64,
    texts: PRPSINFO_TEXTS[4],
  },
  8: {
    ...ELF_LAYOUTS[8],
    prstatus: PRSTATUS_64,
    prpsinfo: PRPSINFO_64,
    texts: PRPSINFO_TEXTS[8],
  },
};
