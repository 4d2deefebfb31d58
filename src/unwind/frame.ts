import type { InlinedFunction, SourceAt, SourcePosition } from '../symbols/provider.js';

/**
 * How a frame was found: the registers themselves, an unwind table, the kernel's saved registers, or, from here on
 * guessed, a return address at the place where a call puts it, a frame-pointer chain, a value on the stack that looks
 * like one, what the code does to the stack. `jit` and `dex` are code made at run time.
 */
export type Trust = 'context' | 'cfi' | 'exidx' | 'signal' | 'leaf' | 'fp' | 'scan' | 'jit' | 'dex' | 'code';

/** In the order of `FrameBuffer.trust`'s numbers. */
export const TRUSTS: readonly Trust[] = [
  'context',
  'cfi',
  'exidx',
  'signal',
  'leaf',
  'fp',
  'scan',
  'jit',
  'dex',
  'code',
];

export const CONTEXT = 0;
export const CFI = 1;
export const EXIDX = 2;
export const SIGNAL = 3;
export const LEAF = 4;
export const FP = 5;
export const SCAN = 6;
export const JIT = 7;
export const DEX = 8;
export const CODE = 9;

const NO_CALLS: readonly InlinedFunction[] = [];
/** What a frame has of whose source nothing is known. */
export const NO_SOURCE: SourceAt = { position: null, inlined: NO_CALLS };

/** The addresses of a frame, every bit kept. */
export interface ExactAddresses {
  readonly pc: bigint;
  readonly sp: bigint;
  readonly relPc: bigint;
}

/** A frame with its names; what the report shows. */
export interface UnwoundFrame {
  /** Absolute; for callers moved back into the call instruction. */
  readonly pc: number;
  readonly sp: number;
  /**
   * pc in the image's own addresses: pc - map.start + load bias + (map.offset - elfOffset); pc itself in no mapping.
   */
  readonly relPc: number;
  /**
   * Where pc, sp or relPc is 2^53 or more (a thread jumped to what is no address) they are the nearest Numbers, and
   * these the addresses themselves.
   */
  readonly exact?: ExactAddresses;
  /** Path, `base.apk!lib.so`, `[vdso]`; '' in an anonymous mapping, null in none. */
  readonly mapName: string | null;
  /** 0 in no mapping. Formats print it with bracketed and anonymous mappings. */
  readonly mapStart: number;
  /** Where in the file the image begins; not 0 for libraries inside an apk, and printed then as ` (offset 0x...)`. */
  readonly elfOffset: number;
  /** Demangled, null when no function covers the pc; and the distance from its start. */
  readonly functionName: string | null;
  readonly functionOffset: number;
  readonly buildId: string | null;
  readonly trust: Trust;
  /**
   * Where in the source of `functionName` the pc is; null when unknown. Where a call is inlined there, the place of
   * that call.
   */
  readonly source: SourcePosition | null;
  /** Calls that the compiler inlined at the pc, the innermost first; their names are demangled. */
  readonly inlined: readonly InlinedFunction[];
  /**
   * The names of the registers whose values are known in the frame, in `arch.registers` order: all of a context, of
   * callers those that a rule restored or that no function changes. Frames share these lists. Null where that was not
   * recorded.
   */
  readonly knownRegisters: readonly string[] | null;
}
