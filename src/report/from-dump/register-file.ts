/**
 * Registers of a thread: from the kernel's own register set where the dump has it, else from the minidump CPU context.
 */
import type { Arch, Field } from '../../arch/arch.js';
import { MinidumpError } from '../../minidump/format/error.js';
import { archContext } from '../../minidump/reader/contexts.js';

/**
 * The context as `arch.context` lays it out, whatever layout of this CPU it was written in; null when it is none of
 * this CPU's.
 */
export function contextOf(arch: Arch, bytes: Uint8Array): Uint8Array | null {
  try {
    return archContext('context', arch, bytes);
  } catch (error) {
    if (error instanceof MinidumpError) return null;
    throw error;
  }
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
