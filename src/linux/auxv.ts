/** Types of auxiliary vector entries. Sources: getauxval(3), <elf.h>, include/uapi/linux/auxvec.h. */
export const Auxv = {
  AT_PHDR: 3,
  AT_PHENT: 4,
  AT_PHNUM: 5,
  AT_PAGESZ: 6,
  AT_BASE: 7,
  AT_FLAGS: 8,
  AT_ENTRY: 9,
  AT_UID: 11,
  AT_EUID: 12,
  AT_GID: 13,
  AT_EGID: 14,
  AT_PLATFORM: 15,
  AT_HWCAP: 16,
  AT_CLKTCK: 17,
  AT_SECURE: 23,
  AT_BASE_PLATFORM: 24,
  AT_RANDOM: 25,
  AT_HWCAP2: 26,
  AT_RSEQ_FEATURE_SIZE: 27,
  AT_RSEQ_ALIGN: 28,
  AT_HWCAP3: 29,
  AT_HWCAP4: 30,
  AT_EXECFN: 31,
  AT_SYSINFO: 32,
  AT_SYSINFO_EHDR: 33,
  AT_MINSIGSTKSZ: 51,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Auxv).map(([name, type]) => [type, name]));

/** `AT_PHDR`, or null for a type that has no name here. */
export function auxvName(type: number): string | null {
  return NAMES.get(type) ?? null;
}
