/**
 * Builds small processes for tests of the unwinder: images with functions and frame descriptions, a stack, registers.
 */
import type { Arch } from '../../src/arch/arch.js';
import { BufferSource, type ByteSource } from '../../src/bytes/byte-source.js';
import { BufferMemory, type Memory } from '../../src/bytes/memory.js';
import type { FunctionAt, SymbolProvider } from '../../src/symbols/provider.js';
import { type ElfUnwinderOptions, elfUnwinder } from '../../src/unwind/elf/elf-unwinder.js';
import type { WalkDecision } from '../../src/unwind/explain.js';
import type { UnwoundFrame } from '../../src/unwind/frame.js';
import type { Mapping } from '../../src/unwind/mapping.js';
import type { StopReason } from '../../src/unwind/unwinder.js';
import { FrameBuilder, le } from '../objects/dwarf/frame-builder.js';
import { buildElf } from '../objects/elf/elf-builder.js';

export interface FunctionSpec {
  readonly name: string;
  /** Offset in the image, which is also its address there. */
  readonly start: number;
  readonly size: number;
  /** Call frame instructions; absent: the function has no frame description. */
  readonly instructions?: readonly number[];
  readonly signalFrame?: boolean;
  /** Code, from `codeAt` (default: the start). */
  readonly code?: readonly number[];
  readonly codeAt?: number;
}

/** CFA rule and return address of a frame that just was entered, as each CPU's CIEs have it. */
const CIES: Readonly<
  Record<
    string,
    { readonly instructions: readonly number[]; readonly returnColumn: number; readonly dataAlign: number }
  >
> = {
  x86_64: { instructions: [0x0c, 7, 8, 0x90, 1], returnColumn: 16, dataAlign: -8 },
  x86: { instructions: [0x0c, 4, 4, 0x88, 1], returnColumn: 8, dataAlign: -4 },
  arm64: { instructions: [0x0c, 31, 0], returnColumn: 30, dataAlign: -8 },
  arm: { instructions: [0x0c, 13, 0], returnColumn: 14, dataAlign: -4 },
  riscv64: { instructions: [0x0c, 2, 0], returnColumn: 1, dataAlign: -8 },
};

/** Bytes of the image's code and rodata: offsets below are free for functions. */
export const CODE_SIZE = 0x4000;
const TEXT = 0x200;

export function buildImage(arch: Arch, functions: readonly FunctionSpec[]): Uint8Array {
  const text = new Uint8Array(CODE_SIZE - TEXT);
  const builder = new FrameBuilder(true);
  const cie = CIES[arch.name]!;
  for (const { start, size, instructions, signalFrame, code, codeAt } of functions) {
    if (code !== undefined) text.set(code, (codeAt ?? start) - TEXT);
    if (instructions === undefined) continue;
    const at = builder.cie({ ...cie, augmentation: signalFrame ? 'zRS' : 'zR', data: [0] });
    builder.fde(at, { address: [...le(arch.wordSize, start), ...le(arch.wordSize, size)], data: [], instructions });
  }
  builder.terminator();
  const { bytes } = buildElf({
    bits: arch.wordSize === 8 ? 64 : 32,
    machine: arch.elfMachine,
    segments: [{ type: 1, flags: 5, offset: 0, vaddr: 0, filesz: CODE_SIZE }],
    sections: [
      { name: '.text', addr: TEXT, align: TEXT, bytes: text },
      { name: '.eh_frame', addr: CODE_SIZE, bytes: Uint8Array.from(builder.bytes) },
    ],
  });
  return bytes;
}

export const IMAGE = 0x400000;
export const STACK = 0x7ff000;

export interface ProcessSpec extends Partial<ElfUnwinderOptions> {
  readonly arch: Arch;
  readonly functions?: readonly FunctionSpec[];
  /** Words of the stack from STACK on; its mapping is a page longer. */
  readonly stack?: readonly (number | bigint)[];
  /** Registers by name. */
  readonly registers: Readonly<Record<string, number | bigint>>;
  /** Further mappings. */
  readonly more?: readonly Partial<Mapping>[];
  /** Further memory. */
  readonly moreMemory?: Memory;
}

export const mapping = (part: Partial<Mapping>): Mapping => ({
  start: 0,
  end: 0,
  prot: 5,
  offset: 0,
  name: '',
  device: '',
  inode: 0,
  ...part,
});

export interface Unwound {
  readonly frames: readonly UnwoundFrame[];
  readonly stop: StopReason;
  readonly decisions: readonly WalkDecision[];
  /** One line per frame: `function+offset trust`. */
  readonly lines: readonly string[];
}

export function wordsOf(arch: Arch, values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(arch.wordSize * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (arch.wordSize === 8) view.setBigUint64(8 * i, BigInt(value), true);
    else view.setUint32(4 * i, Number(value), true);
  });
  return bytes;
}

export function registerFile(arch: Arch, values: Readonly<Record<string, number | bigint>>): Uint8Array {
  const file = new Uint8Array(8 * arch.registers.length);
  const view = new DataView(file.buffer);
  for (const [name, value] of Object.entries(values)) {
    const index = arch.registers.findIndex((register) => register.name === name);
    view.setBigUint64(8 * index, BigInt(value), true);
  }
  return file;
}

/** Names by the functions' ranges. */
export function namesOf(functions: readonly FunctionSpec[]): SymbolProvider {
  const functionAt = (address: number): FunctionAt | null => {
    const found = functions.find(({ start, size }) => address >= start && address < start + size);
    return found === undefined ? null : { name: found.name, offset: address - found.start };
  };
  return { symbols: () => ({ functionAt }), demangle: (name) => name };
}

/** Unwinds a process with one image at IMAGE, named /bin/it, and a stack. */
export function unwindProcess(spec: ProcessSpec): Unwound {
  const { arch, functions = [], stack = [], registers, more = [], moreMemory, ...options } = spec;
  const source: ByteSource = new BufferSource(buildImage(arch, functions));
  const bytes = wordsOf(arch, stack);
  const stackMemory = new BufferMemory(STACK, bytes);
  const memory: Memory = {
    read: (address, into) => stackMemory.read(address, into) || (moreMemory?.read(address, into) ?? 0),
  };
  const decisions: WalkDecision[] = [];
  const unwinder = elfUnwinder({
    arch,
    mappings: [
      mapping({ start: IMAGE, end: IMAGE + CODE_SIZE, name: '/bin/it', inode: 1 }),
      mapping({ start: STACK, end: STACK + Math.max(0x1000, bytes.length), prot: 3, name: '[stack]' }),
      ...more.map(mapping),
    ],
    memory,
    files: { file: ({ name }) => (name === '/bin/it' ? source : null) },
    naming: namesOf(functions),
    explain: (decision) => decisions.push(decision),
    ...options,
  });
  const { frames, stop } = unwinder.unwind(registerFile(arch, registers));
  const lines = frames.map((frame) => {
    const name =
      frame.functionName === null ? `0x${frame.pc.toString(16)}` : `${frame.functionName}+${frame.functionOffset}`;
    return `${name} ${frame.trust}`;
  });
  return { frames, stop, decisions, lines };
}
