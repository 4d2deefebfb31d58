/** Registers of a thread: from the kernel's own register set where the dump has it, else from the minidump CPU context. */
import type { Arch, Field } from '../arch/arch.js';

/** MDRawContextARM64_Old, which Breakpad's client writes: u64 flags, x0-x30 sp pc, cpsr, then fpsr, fpcr, v0-v31; packed. */
const ARM64_OLD = { size: 796, cpsr: 272, fpsr: 276, fpcr: 280, v: 284 } as const;
const ARM64 = { size: 912, cpsr: 4, integers: 8, v: 272, fpcr: 784, fpsr: 788 } as const;

/** The context as `arch.context` lays it out; null when it is none of this CPU's. */
export function contextOf(arch: Arch, bytes: Uint8Array): Uint8Array | null {
  if (arch.name === 'arm64' && bytes.length === ARM64_OLD.size) return fromOldArm64(bytes);
  return bytes.length >= arch.context.size ? bytes.subarray(0, arch.context.size) : null;
}

function fromOldArm64(old: Uint8Array): Uint8Array {
  const context = new Uint8Array(ARM64.size);
  const copy = (from: number, to: number, size: number) => context.set(old.subarray(from, from + size), to);
  copy(8, ARM64.integers, 33 * 8);
  copy(ARM64_OLD.cpsr, ARM64.cpsr, 4);
  copy(ARM64_OLD.fpsr, ARM64.fpsr, 4);
  copy(ARM64_OLD.fpcr, ARM64.fpcr, 4);
  copy(ARM64_OLD.v, ARM64.v, 512);
  return context;
}

function fill(arch: Arch, source: Uint8Array, field: (index: number) => Field | null): Uint8Array {
  const file = new Uint8Array(8 * arch.registers.length);
  arch.registers.forEach((_, index) => {
    const place = field(index);
    if (place !== null) file.set(source.subarray(place.offset, place.offset + place.size), 8 * index);
  });
  return file;
}

/**
 * The register file in `arch.registers` order.
 * @param raw NT_PRSTATUS as the kernel gave it, null when the dump has none; one of another size is not used
 * @param context as `contextOf` returns it
 */
export function registerFile(arch: Arch, raw: Uint8Array | null, context: Uint8Array | null): Uint8Array | null {
  if (raw?.length === arch.prstatusSize) return fill(arch, raw, (index) => arch.registers[index]?.prstatus ?? null);
  return context === null ? null : fill(arch, context, (index) => arch.registers[index]?.context ?? null);
}
