/**
 * Headers of ELF files as tables, for both word sizes, and the constants in them. Sources: System V gABI, chapters 4
 * and 5 (Ehdr 52 or 64 bytes, Phdr 32 or 56, Shdr 40 or 64), <elf.h>.
 */
import { struct, u16, u32, u64 } from '../../bytes/struct.js';

/** p_type */
export const SegmentType = {
  load: 1,
  dynamic: 2,
  note: 4,
  phdr: 6,
  gnuEhFrame: 0x6474e550,
  armExidx: 0x70000001,
} as const;
/** p_flags */
export const SegmentFlag = { x: 1, w: 2, r: 4 } as const;
/** sh_type */
export const SectionType = { progbits: 1, symtab: 2, strtab: 3, note: 7, nobits: 8, dynsym: 11 } as const;
/** sh_flags: the section begins with an Elf32_Chdr or Elf64_Chdr. */
export const SHF_COMPRESSED = 0x800;
/** e_phnum when there are more: the number is in sh_info of section 0. */
export const PN_XNUM = 0xffff;
/** e_shstrndx when the index is greater: it is in sh_link of section 0. */
export const SHN_XINDEX = 0xffff;

export const ELF_HEADER_32 = struct(52, {
  type: u16(16),
  machine: u16(18),
  version: u32(20),
  entry: u32(24),
  phoff: u32(28),
  shoff: u32(32),
  ehsize: u16(40),
  phentsize: u16(42),
  phnum: u16(44),
  shentsize: u16(46),
  shnum: u16(48),
  shstrndx: u16(50),
});
export const ELF_HEADER_64 = struct(64, {
  type: u16(16),
  machine: u16(18),
  version: u32(20),
  entry: u64(24),
  phoff: u64(32),
  shoff: u64(40),
  ehsize: u16(52),
  phentsize: u16(54),
  phnum: u16(56),
  shentsize: u16(58),
  shnum: u16(60),
  shstrndx: u16(62),
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
export const SECTION_HEADER_32 = struct(40, {
  name: u32(0),
  type: u32(4),
  flags: u32(8),
  addr: u32(12),
  offset: u32(16),
  size: u32(20),
  link: u32(24),
  info: u32(28),
  entsize: u32(36),
});
export const SECTION_HEADER_64 = struct(64, {
  name: u32(0),
  type: u32(4),
  flags: u64(8),
  addr: u64(16),
  offset: u64(24),
  size: u64(32),
  link: u32(40),
  info: u32(44),
  entsize: u64(56),
});

/** The three headers of one word size. Both sizes have the same fields, at other places and widths. */
export interface ElfLayout {
  readonly header: typeof ELF_HEADER_64;
  readonly segment: typeof PROGRAM_HEADER_64;
  readonly section: typeof SECTION_HEADER_64;
}

export const ELF_LAYOUTS: Readonly<Record<4 | 8, ElfLayout>> = {
  4: {
    header: ELF_HEADER_32 as unknown as typeof ELF_HEADER_64,
    segment: PROGRAM_HEADER_32 as unknown as typeof PROGRAM_HEADER_64,
    section: SECTION_HEADER_32 as unknown as typeof SECTION_HEADER_64,
  },
  8: { header: ELF_HEADER_64, segment: PROGRAM_HEADER_64, section: SECTION_HEADER_64 },
};
