/** Memory around what the registers of the crashed thread point to, clipped to what is mapped. */
import type { Arch } from '../../arch/arch.js';
import { type MapsEntry, mappingAfter } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import type { RegisterFiles } from './registers.js';

/**
 * Tombstones print 256 bytes from 32 before the word that the register points to; a little more serves other readers.
 */
const BEFORE = 64;
const AFTER = 384;
/** Code: enough before the pc to disassemble from. */
const CODE_BEFORE = 256;
const CODE_AFTER = 384;

/** Ranges around each register of thread `index`, the pc's first. Neighbours are joined; nothing overlaps. */
export function rangesNearRegisters(
  arch: Arch,
  mappings: readonly MapsEntry[],
  registers: RegisterFiles,
  index: number,
): CopyRange[] {
  const ranges: CopyRange[] = [];
  const around = (address: number, before: number, after: number): void => {
    if (address <= 0) return;
    const word = address - (address % 8);
    ranges.push(...clip(mappings, Math.max(0, word - before), word + after));
  };
  const code = new Set([arch.pc, arch.lr]);
  for (const register of code)
    if (register >= 0) around(pointer(arch, registers, index, register), CODE_BEFORE, CODE_AFTER);
  arch.registers.forEach((_, register) => {
    if (!code.has(register)) around(pointer(arch, registers, index, register), BEFORE, AFTER);
  });
  return join(ranges);
}

/**
 * arm64 ignores the top byte of data addresses (tagged pointers), and pointer authentication uses it in code addresses.
 */
function pointer(arch: Arch, registers: RegisterFiles, index: number, register: number): number {
  const { prstatus } = arch.registers[register]!;
  const raw = registers.raw(index);
  if (arch.name !== 'arm64' || raw === null || prstatus === null) return registers.address(index, register);
  const high = raw.readUInt32LE(prstatus.offset + 4) & 0xffff;
  return high * 0x100000000 + raw.readUInt32LE(prstatus.offset);
}

/** The parts of [from, to) that are mapped readable. */
export function clip(mappings: readonly MapsEntry[], from: number, to: number): CopyRange[] {
  const parts: CopyRange[] = [];
  for (let i = Math.max(0, mappingAfter(mappings, from) - 1); i < mappings.length; i++) {
    const mapping = mappings[i]!;
    if (mapping.start >= to) break;
    const start = Math.max(from, mapping.start);
    const end = Math.min(to, mapping.end);
    if (end > start && mapping.perms.startsWith('r')) parts.push({ address: start, size: end - start });
  }
  return parts;
}

function join(ranges: readonly CopyRange[]): CopyRange[] {
  const sorted = [...ranges].sort((a, b) => a.address - b.address);
  const joined: { address: number; size: number }[] = [];
  for (const { address, size } of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && address <= last.address + last.size) {
      last.size = Math.max(last.size, address + size - last.address);
    } else joined.push({ address, size });
  }
  return joined;
}
