/** The CPUs that the house knows, and how each kind of input names them. */
import type { Arch, ArchName } from './arch.js';
import { arm } from './arm.js';
import { arm64 } from './arm64.js';
import { riscv64 } from './riscv64.js';
import { x86 } from './x86.js';
import { x86_64 } from './x86_64.js';

export const architectures: readonly Arch[] = [x86_64, x86, arm64, arm, riscv64];

/** MD_CPU_ARCHITECTURE_ARM64_OLD, which Breakpad's own client writes. */
const ARM64_OLD = 0x8003;

export function byName(name: ArchName): Arch {
  return architectures.find((arch) => arch.name === name)!;
}

/** By the size of NT_PRSTATUS, which tells a tracee's word size and CPU; null for a size that no CPU has. */
export function byPrstatusSize(size: number): Arch | null {
  return architectures.find((arch) => arch.prstatusSize === size) ?? null;
}

/** By ELF e_machine. */
export function byElfMachine(machine: number): Arch | null {
  return architectures.find((arch) => arch.elfMachine === machine) ?? null;
}

/** By MDRawSystemInfo.processor_architecture. */
export function byMinidumpArch(architecture: number): Arch | null {
  if (architecture === ARM64_OLD) return byName('arm64');
  return architectures.find((arch) => arch.minidumpArch === architecture) ?? null;
}
