/**
 * Processor architectures and platforms of MINIDUMP_SYSTEM_INFO. Sources: winnt.h (PROCESSOR_ARCHITECTURE_*),
 * Breakpad's minidump_format.h for the values from 0x8000 on.
 */
export const ProcessorArchitecture = {
  x86: 0,
  mips: 1,
  alpha: 2,
  ppc: 3,
  shx: 4,
  arm: 5,
  ia64: 6,
  alpha64: 7,
  msil: 8,
  amd64: 9,
  x86Win64: 10,
  arm64: 12,
  sparc: 0x8001,
  ppc64: 0x8002,
  arm64Old: 0x8003,
  mips64: 0x8004,
  riscv: 0x8005,
  riscv64: 0x8006,
  unknown: 0xffff,
} as const;

export type ProcessorArchitectureName = keyof typeof ProcessorArchitecture;

export const Platform = {
  win32s: 0,
  windows: 1,
  windowsNt: 2,
  windowsCe: 3,
  unix: 0x8000,
  macos: 0x8101,
  ios: 0x8102,
  linux: 0x8201,
  solaris: 0x8202,
  android: 0x8203,
  ps3: 0x8204,
  nacl: 0x8205,
  fuchsia: 0x8206,
} as const;

export type PlatformName = keyof typeof Platform;

function nameOf<T extends Record<string, number>>(table: T, value: number): keyof T | null {
  for (const name in table) if (table[name] === value) return name;
  return null;
}

export function processorArchitectureName(value: number): ProcessorArchitectureName | null {
  return nameOf(ProcessorArchitecture, value);
}

export function platformName(value: number): PlatformName | null {
  return nameOf(Platform, value);
}
