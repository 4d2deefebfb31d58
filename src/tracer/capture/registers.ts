/**
 * Register sets of all stopped threads: read in bulk while the target stands still, made into minidump contexts
 * afterwards. The kernel's NT_PRSTATUS is little endian on every CPU that we know.
 */
import type { Arch, Field, StateBlock } from '../../arch/arch.js';
import { byPrstatusSize } from '../../arch/index.js';
import type { TracingAddon } from '../../platform/ptrace.js';

const NT_PRSTATUS = 1;
/** struct user_pac_mask: u64 of data addresses, u64 of code addresses. No such set where the CPU signs nothing. */
const NT_ARM_PAC_MASK = 0x406;
const PAC_MASKS = 16;
/** Larger than the largest NT_PRSTATUS that has a table (arm64: 272), so that a size that has none is seen. */
const STRIDE = 320;
/** user_regs_struct of x86_64, fs_base: the thread pointer. */
const X86_64_FS_BASE: Field = { offset: 168, size: 8 };
/**
 * Threads whose registers fit in memory that is always there, and bytes of floating-point state that each has there.
 */
const READY_THREADS = 64;
const STATE_BYTES = 1024;
/** More than this are read into memory that was not touched before. */
const MAX_THREADS = 16_384;

interface StateCopy {
  readonly block: StateBlock;
  readonly stride: number;
  readonly bytes: Buffer;
  readonly sizes: Int32Array;
}

interface Room {
  readonly general: Buffer;
  readonly state: Buffer;
}

const ready: Room = makeRoom(READY_THREADS, true);
let room = ready;

function makeRoom(threads: number, withState: boolean): Room {
  return {
    general: Buffer.alloc(threads * STRIDE, 1),
    state: withState ? Buffer.alloc(threads * STATE_BYTES, 1) : ready.state,
  };
}

/** Makes room for the registers of so many threads, and touches it, before they stand still. */
export function reserveRegisters(threads: number, withState: boolean): void {
  room = threads <= READY_THREADS || threads > MAX_THREADS ? ready : makeRoom(threads, withState);
}

/** The registers of threads, index by index as `tids` has them. */
export class RegisterFiles {
  /**
   * Of the first thread, the crashed or requested one; null when its registers could not be read or are of an unknown
   * CPU.
   */
  readonly arch: Arch | null;
  readonly tids: Int32Array;
  /**
   * Bits of code addresses that carry their signature, hexadecimal; null where nothing is signed. The same for all
   * threads.
   */
  readonly pacMask: string | null;
  readonly #general: Buffer;
  readonly #sizes: Int32Array;
  readonly #state: readonly StateCopy[];

  /**
   * Reads the register sets of stopped threads; `tids` is not empty. Floating-point state costs as much again as all
   * others.
   */
  constructor(addon: TracingAddon, tids: readonly number[], withState: boolean) {
    const count = tids.length;
    this.tids = Int32Array.from(tids);
    this.#sizes = new Int32Array(count);
    const { general, state } = room;
    this.#general = count * STRIDE <= general.length ? general : Buffer.allocUnsafeSlow(count * STRIDE);
    addon.getRegsets(this.tids, NT_PRSTATUS, this.#general, STRIDE, this.#sizes);
    this.arch = byPrstatusSize(this.#sizes.find((size) => size > 0) ?? 0);
    this.pacMask = this.arch?.name === 'arm64' ? readPacMask(addon, this.tids) : null;
    let used = 0;
    this.#state = (withState ? (this.arch?.context.state ?? []) : []).map((block) => {
      const stride = Math.max(...block.copies.map(({ from, size }) => from + size));
      const total = stride * count;
      const fits = used + total <= state.length;
      const bytes = fits ? state.subarray(used, used + total) : Buffer.allocUnsafeSlow(total);
      if (fits) used += total;
      const sizes = new Int32Array(count);
      addon.getRegsets(this.tids, block.regset, bytes, stride, sizes);
      return { block, stride, bytes, sizes };
    });
  }

  /** -errno where the registers of thread `index` could not be read. */
  sizeOf(index: number): number {
    return this.#sizes[index]!;
  }

  /** Whether thread `index` has registers of `arch` (a 64-bit process may run 32-bit code in some of its threads). */
  usable(index: number): boolean {
    return this.arch !== null && this.#sizes[index] === this.arch.prstatusSize;
  }

  /** NT_PRSTATUS of thread `index` as the kernel gave it, a view; null without one. */
  raw(index: number): Buffer | null {
    const size = this.#sizes[index]!;
    return size > 0 ? this.#general.subarray(index * STRIDE, index * STRIDE + size) : null;
  }

  /**
   * Register `register` (an index of `arch.registers`) of a usable thread as an address; -1 when it is none below 2^53.
   */
  address(index: number, register: number): number {
    const place = this.arch!.registers[register]!.prstatus;
    return place === null ? -1 : this.#field(index, place);
  }

  /** Register `register` of a usable thread, every bit; 0 when NT_PRSTATUS has it not. */
  word(index: number, register: number): bigint {
    const place = this.arch!.registers[register]!.prstatus;
    const raw = this.raw(index);
    if (place === null || raw === null) return 0n;
    return place.size === 8 ? raw.readBigUInt64LE(place.offset) : BigInt(raw.readUIntLE(place.offset, place.size));
  }

  /** The thread pointer of a usable thread, where NT_PRSTATUS has it (x86_64); -1 elsewhere. */
  threadPointer(index: number): number {
    return this.arch?.name === 'x86_64' ? this.#field(index, X86_64_FS_BASE) : -1;
  }

  /** The minidump contexts of the first `count` threads, null where registers are missing. One allocation. */
  contexts(count: number): (Buffer | null)[] {
    const { arch } = this;
    const tids = this.tids.subarray(0, count);
    if (arch === null) return Array.from(tids, () => null);
    const { size, flags } = arch.context;
    const stride = Math.ceil(size / 8) * 8;
    const all = Buffer.alloc(stride * tids.length);
    return Array.from(tids, (_, index) => {
      if (!this.usable(index)) return null;
      const context = all.subarray(index * stride, index * stride + size);
      context.writeUIntLE(flags.value, flags.offset, Math.min(flags.size, 6));
      this.#placeRegisters(arch, index, context);
      for (const state of this.#state) placeState(state, index, context);
      return context;
    });
  }

  #placeRegisters(arch: Arch, index: number, context: Buffer): void {
    const base = index * STRIDE;
    for (const { prstatus, context: place } of arch.registers) {
      if (place === null || prstatus === null) continue;
      const size = Math.min(prstatus.size, place.size);
      this.#general.copy(context, place.offset, base + prstatus.offset, base + prstatus.offset + size);
    }
  }

  #field(index: number, field: Field): number {
    const at = index * STRIDE + field.offset;
    const low = this.#general.readUInt32LE(at);
    if (field.size < 8) return low;
    const high = this.#general.readUInt32LE(at + 4);
    return high < 0x200000 ? high * 0x100000000 + low : -1;
  }
}

function readPacMask(addon: TracingAddon, tids: Int32Array): string | null {
  const masks = Buffer.alloc(PAC_MASKS);
  const sizes = new Int32Array(1);
  addon.getRegsets(tids.subarray(0, 1), NT_ARM_PAC_MASK, masks, PAC_MASKS, sizes);
  if (sizes[0] !== PAC_MASKS) return null;
  const mask = masks.readBigUInt64LE(8);
  return mask === 0n ? null : mask.toString(16);
}

function placeState(state: StateCopy, index: number, context: Buffer): void {
  const got = state.sizes[index]!;
  const base = index * state.stride;
  for (const { from, to, size } of state.block.copies) {
    if (from + size <= got) state.bytes.copy(context, to, base + from, base + from + size);
  }
}
