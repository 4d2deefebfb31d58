/**
 * CPU contexts as named values, whatever machine they come from. Which layout a context has follows from the system
 * info's architecture and the context's size; without system info from the size and the flags inside.
 */
import type { Arch } from '../../arch/arch.js';
import { arm as armArch } from '../../arch/arm.js';
import { arm64 as arm64Arch } from '../../arch/arm64.js';
import { x86 as x86Arch } from '../../arch/x86.js';
import { x86_64 as x86_64Arch } from '../../arch/x86_64.js';
import { MinidumpError } from '../format/error.js';
import { ProcessorArchitecture, processorArchitectureName } from '../format/system.js';
import type { ContextLayout, ContextRegister } from './context-layout.js';
import { viewOf } from './dump-file.js';
import { arm64Old, mips, mips64, ppc, ppc64, riscv, riscv64, sparc } from './foreign-contexts.js';

export interface RegisterValue {
  readonly name: string;
  readonly value: bigint;
  /** Bytes. */
  readonly size: number;
}

export interface CpuContext {
  readonly cpu: string;
  /** Low 32 bits of context_flags. */
  readonly flags: number;
  /** General registers first, then floating point where the layout names it. */
  readonly registers: readonly RegisterValue[];
  readonly pc: bigint;
  readonly sp: bigint;
}

function fromArch(arch: Arch, cpu: string, flag: number, more: readonly ContextRegister[] = []): ContextLayout {
  const registers = arch.registers.flatMap(({ name, context }) => (context === null ? [] : [{ name, ...context }]));
  return {
    cpu,
    size: arch.context.size,
    flags: { offset: arch.context.flags.offset, value: flag },
    registers: [...registers, ...more],
    pc: arch.registers[arch.pc]!.name,
    sp: arch.registers[arch.sp]!.name,
  };
}

function vectors(prefix: string, count: number, offset: number, size: 8 | 16): ContextRegister[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}`, offset: offset + i * size, size }));
}

/** Inside the FXSAVE image: st0-st7 at 32 (80 bits in 16 bytes), xmm at 160. */
const FXSAVE = { registers: 32, xmm: 160, mxcsr: 24 } as const;

function x87(offset: number, stride: number): ContextRegister[] {
  return Array.from({ length: 8 }, (_, i) => ({ name: `st${i}`, offset: offset + i * stride, size: 10 }));
}

function debugRegisters(offset: number, size: 4 | 8): ContextRegister[] {
  return [0, 1, 2, 3, 6, 7].map((number, i) => ({ name: `dr${number}`, offset: offset + i * size, size }));
}

/**
 * Of FLOATING_SAVE_AREA (FSAVE), which begins at 28: seven words, then the registers without padding. Names are gdb's.
 */
const FSAVE: readonly ContextRegister[] = [
  ...['fctrl', 'fstat', 'ftag', 'fioff', 'fiseg', 'fooff', 'foseg'].map(
    (name, i): ContextRegister => ({ name, offset: 28 + 4 * i, size: 4 }),
  ),
  ...x87(56, 10),
];

export const x86: ContextLayout = {
  ...fromArch(x86Arch, 'x86', 0x10000, [
    ...debugRegisters(4, 4),
    ...FSAVE,
    { name: 'mxcsr', offset: 204 + FXSAVE.mxcsr, size: 4 },
    ...vectors('xmm', 8, 204 + FXSAVE.xmm, 16),
  ]),
  extensible: true,
};

export const amd64: ContextLayout = {
  ...fromArch(x86_64Arch, 'amd64', 0x100000, [
    { name: 'mxcsr', offset: 52, size: 4 },
    ...debugRegisters(72, 8),
    // The abridged tag word has a bit per register (Intel SDM, FXSAVE).
    { name: 'fctrl', offset: 256, size: 2 },
    { name: 'fstat', offset: 258, size: 2 },
    { name: 'ftag', offset: 260, size: 1 },
    { name: 'fop', offset: 262, size: 2 },
    ...x87(256 + FXSAVE.registers, 16),
    ...vectors('xmm', 16, 256 + FXSAVE.xmm, 16),
  ]),
  extensible: true,
};

/** lldb's: the FXSAVE image ends behind xmm15 (416 bytes), what follows it in the full layout follows there. */
export const amd64Lldb: ContextLayout = { ...amd64, size: 720, extensible: false };

export const arm: ContextLayout = fromArch(armArch, 'arm', 0x40000000, [
  { name: 'fpscr', offset: 72, size: 8 },
  ...vectors('d', 32, 80, 8),
]);

export const arm64: ContextLayout = fromArch(arm64Arch, 'arm64', 0x400000, [
  { name: 'fpcr', offset: 784, size: 4 },
  { name: 'fpsr', offset: 788, size: 4 },
  ...vectors('v', 32, 272, 16),
]);

const LAYOUTS: ReadonlyMap<number, readonly ContextLayout[]> = new Map([
  [ProcessorArchitecture.x86, [x86]],
  [ProcessorArchitecture.x86Win64, [x86]],
  [ProcessorArchitecture.amd64, [amd64, amd64Lldb]],
  [ProcessorArchitecture.arm, [arm]],
  [ProcessorArchitecture.arm64, [arm64, arm64Old]],
  [ProcessorArchitecture.arm64Old, [arm64Old, arm64]],
  [ProcessorArchitecture.mips, [mips]],
  [ProcessorArchitecture.mips64, [mips64]],
  [ProcessorArchitecture.ppc, [ppc]],
  [ProcessorArchitecture.ppc64, [ppc64]],
  [ProcessorArchitecture.sparc, [sparc]],
  [ProcessorArchitecture.riscv, [riscv]],
  [ProcessorArchitecture.riscv64, [riscv64]],
]);

export const contextLayouts: readonly ContextLayout[] = [...new Set([...LAYOUTS.values()].flat())];

/** Old Breakpad's flag for arm. */
const ARM_OLD_FLAG = 0x40;

function fits(layout: ContextLayout, size: number): boolean {
  return size === layout.size || (layout.extensible === true && size > layout.size);
}

function flagsOf(layout: ContextLayout, view: DataView, littleEndian: boolean): number {
  // The low half of 64-bit flags lies behind the high one on a big-endian machine.
  const offset = layout.flags.offset + (layout.wideFlags === true && !littleEndian ? 4 : 0);
  return view.getUint32(offset, littleEndian);
}

function hasFlag(layout: ContextLayout, flags: number): boolean {
  if ((flags & layout.flags.value) !== 0) return true;
  return layout.cpu === 'arm' && (flags & ARM_OLD_FLAG) !== 0;
}

/**
 * The layout of a context. `architecture`: ProcessorArchitecture of the system info, null when the dump has none.
 * Throws MinidumpError in the name of `part` when size, flags and architecture do not agree.
 */
export function contextLayout(
  part: string,
  bytes: Uint8Array,
  architecture: number | null,
  littleEndian: boolean,
): ContextLayout {
  const known = architecture === null ? contextLayouts : LAYOUTS.get(architecture);
  const name = architecture === null ? 'unknown' : (processorArchitectureName(architecture) ?? String(architecture));
  if (known === undefined) throw new MinidumpError(part, `there is no context of architecture ${name}`);
  const sized = known.filter((layout) => fits(layout, bytes.length));
  if (sized.length === 0) {
    const sizes = known.map(({ cpu, size }) => `${size} (${cpu})`).join(', ');
    throw new MinidumpError(part, `has ${bytes.length} bytes, not ${sizes}`);
  }
  const view = viewOf(bytes);
  const exact = sized.filter((layout) => layout.size === bytes.length);
  const flagged = [...exact, ...sized].find((layout) => hasFlag(layout, flagsOf(layout, view, littleEndian)));
  if (flagged === undefined) {
    const flags = flagsOf(sized[0]!, view, littleEndian);
    throw new MinidumpError(part, `its flags 0x${flags.toString(16)} do not say ${sized[0]!.cpu}`);
  }
  return flagged;
}

/**
 * A context in the layout that `arch` has: other writers' layouts are rearranged, XSAVE state behind it is dropped.
 * Throws MinidumpError when it is no context of that CPU.
 */
export function archContext(part: string, arch: Arch, bytes: Uint8Array): Uint8Array {
  const layout = contextLayout(part, bytes, arch.minidumpArch, true);
  const { size } = arch.context;
  if (bytes.length >= size && layout !== arm64Old) return bytes.subarray(0, size);
  const context = new Uint8Array(size);
  if (layout === amd64Lldb) {
    context.set(bytes.subarray(0, AMD64_LLDB_COMMON));
    return context;
  }
  const places = new Map((layout === arm64Old ? arm64 : layout).registers.map((place) => [place.name, place]));
  for (const { name, offset, size: width } of layout.registers) {
    const place = places.get(name);
    if (place !== undefined) context.set(bytes.subarray(offset, offset + Math.min(width, place.size)), place.offset);
  }
  new DataView(context.buffer).setUint32(arch.context.flags.offset, arch.context.flags.value, true);
  return context;
}

/** Where lldb's amd64 layout leaves the usual one: behind xmm15. */
const AMD64_LLDB_COMMON = 672;

/** Reads every register that the layout names. Throws MinidumpError like `contextLayout`. */
export function readContext(
  part: string,
  bytes: Uint8Array,
  architecture: number | null,
  littleEndian: boolean,
): CpuContext {
  const layout = contextLayout(part, bytes, architecture, littleEndian);
  const view = viewOf(bytes);
  const registers = layout.registers.map(({ name, offset, size }) => ({
    name,
    size,
    value: readRegister(view, offset, size, littleEndian),
  }));
  const value = (name: string): bigint => registers.find((register) => register.name === name)!.value;
  return {
    cpu: layout.cpu,
    flags: flagsOf(layout, view, littleEndian),
    registers,
    pc: value(layout.pc),
    sp: value(layout.sp),
  };
}

function readRegister(view: DataView, offset: number, size: number, littleEndian: boolean): bigint {
  switch (size) {
    case 1:
      return BigInt(view.getUint8(offset));
    case 2:
      return BigInt(view.getUint16(offset, littleEndian));
    case 4:
      return BigInt(view.getUint32(offset, littleEndian));
    case 8:
      return view.getBigUint64(offset, littleEndian);
    case 10:
      return (BigInt(view.getUint16(offset + 8, littleEndian)) << 64n) | view.getBigUint64(offset, littleEndian);
    default: {
      const first = view.getBigUint64(offset, littleEndian);
      const second = view.getBigUint64(offset + 8, littleEndian);
      return littleEndian ? (second << 64n) | first : (first << 64n) | second;
    }
  }
}
