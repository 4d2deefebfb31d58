/** The walk: frame after frame, by the surest way there is. */
import type { Arch } from '../arch/arch.js';
import type { Memory } from '../bytes/memory.js';
import { WordMemory } from '../bytes/word-memory.js';
import type { SymbolProvider, SymbolSource } from '../symbols/provider.js';
import { describeRule } from './describe-rule.js';
import type { Explain } from './explain.js';
import { CFI, CONTEXT, DEX, EXIDX, JIT, LEAF, SIGNAL, TRUSTS, type UnwoundFrame } from './frame.js';
import { FrameBuffer } from './frame-buffer.js';
import { nameFrames } from './frame-names.js';
import { Fallbacks } from './guesses/fallbacks.js';
import { type Image, matchTrampoline } from './image.js';
import type { ImageCache } from './image-cache.js';
import type { Mapping } from './mapping.js';
import { MappingTable } from './mapping-table.js';
import type { DexSource, JitSource, ModuleSource } from './module.js';
import { type MappedImage, ProcessImages } from './process-images.js';
import { RegisterState } from './registers.js';
import { stepSignal } from './rules/signal.js';
import { runtimeCode } from './runtime/runtime-code.js';
import { FINISHED, NOT_COVERED, STEPPED, type StepStatus } from './stepper.js';

const PROT_EXEC = 4;
const DEFAULT_MAX_FRAMES = 256;
const FIRST_PAGE = 4096;

export interface UnwinderOptions {
  readonly arch: Arch;
  readonly mappings: readonly Mapping[];
  readonly memory: Memory;
  readonly files: ModuleSource;
  readonly naming: SymbolProvider;
  readonly cache?: ImageCache;
  /** Code made at run time, and dex pcs; by default what the process tells debuggers. */
  readonly jit?: JitSource;
  readonly dex?: DexSource;
  /** Names for absolute addresses in code that no image describes (perf's map files). */
  readonly codeNames?: SymbolSource;
  /**
   * Results exactly as Android's unwinder gives them: no frame pointers, no scan, no check of what the tables say.
   * @default false
   */
  readonly strict?: boolean;
  /** @default 256 */
  readonly maxFrames?: number;
  /** Bits of a code address that carry its signature (arm64; NT_ARM_PAC_MASK). @default 0n */
  readonly pacMask?: bigint;
  readonly explain?: Explain;
}

/** Why a walk ended. `end` is the only one that is no loss. */
export type StopReason = 'end' | 'max frames' | 'repeated frame' | 'device memory' | 'no way on';

/**
 * Unwinds the stacks of one process. Sans I/O: memory, files, names come through the options, registers through `walk`.
 *
 * `walk` leaves the frames in `frames`, as numbers; `named` turns them into values. A walk over plain table rules allocates nothing.
 */
export class Unwinder {
  readonly arch: Arch;
  readonly images: ProcessImages;
  readonly memory: WordMemory;
  readonly frames: FrameBuffer;
  /** Why the last walk ended. */
  stop: StopReason = 'end';
  readonly #options: UnwinderOptions;
  readonly #strict: boolean;
  readonly #explain: Explain | null;
  readonly #fallbacks: Fallbacks;
  readonly #jit: JitSource;
  readonly #dex: DexSource;
  readonly #code = new Uint8Array(16);

  // The state of a walk. `#registers` are those of the frame that comes next, `#saved` those of the frame before its step.
  readonly #registers: RegisterState;
  readonly #saved: RegisterState;
  /** How the next frame was found. */
  #trust = CONTEXT;
  /** Whether the next frame's pc is a return address: the call lies before it. */
  #adjust = false;
  /** Strict: the next frame is a guess, dropped when it cannot be stepped either. */
  #speculative = false;
  // The frame being stepped: its number, its image, and the pc to look up there.
  #frame = 0;
  #image: Image | null = null;
  #lookup = 0;

  constructor(options: UnwinderOptions) {
    const mappings = new MappingTable(options.mappings);
    this.arch = options.arch;
    this.#options = options;
    this.#strict = options.strict ?? false;
    this.#explain = options.explain ?? null;
    this.memory = new WordMemory(options.memory);
    this.frames = new FrameBuffer(Math.max(1, options.maxFrames ?? DEFAULT_MAX_FRAMES));
    this.images = new ProcessImages({ ...options, mappings });
    this.#registers = new RegisterState(options.arch);
    this.#saved = new RegisterState(options.arch);
    const told = runtimeCode({
      images: this.images,
      memory: options.memory,
      files: options.files,
      naming: options.naming,
      strict: this.#strict,
    });
    this.#jit = options.jit ?? told.jit;
    this.#dex = options.dex ?? told.dex;
    this.#fallbacks = new Fallbacks(this.images, this.memory);
  }

  /** Unwinds one stack and names it. */
  unwind(file: Uint8Array): { readonly frames: UnwoundFrame[]; readonly stop: StopReason } {
    this.walk(file);
    return { frames: this.named(), stop: this.stop };
  }

  /** @param file register file, 8 bytes per register in `arch.registers` order */
  walk(file: Uint8Array): void {
    const registers = this.#registers;
    const mask = this.#options.pacMask ?? 0n;
    registers.load(file);
    registers.pacMaskLow = Number(mask & 0xffffffffn);
    registers.pacMaskHigh = Number((mask >> 32n) & 0xffffffffn);
    this.frames.count = 0;
    this.#fallbacks.reset();
    this.#trust = CONTEXT;
    this.#adjust = false;
    this.#speculative = false;
    if (this.images.mappings.find(registers.pc) < 0) stripSignature(registers);
    let stop: StopReason | null = null;
    while (stop === null) stop = this.frames.count < this.frames.capacity ? this.#advance() : 'max frames';
    this.stop = stop;
    this.#explain?.({ frame: Math.max(0, this.frames.count - 1), kind: 'stop', text: stop });
  }

  /** Adds the frame of the registers and steps over it. */
  #advance(): StopReason | null {
    const registers = this.#registers;
    const saved = this.#saved;
    const frames = this.frames;
    let mapping = this.images.mappings.find(registers.pc);
    if (mapping < 0 && !this.#strict && this.#guessMask()) mapping = this.images.mappings.find(registers.pc);
    const pc = registers.pc;
    const mapped = mapping < 0 ? null : this.images.at(mapping);
    const relPc = mapped === null ? pc : pc + mapped.bias;
    const adjustment = mapped !== null && this.#adjust ? this.#adjustment(relPc, mapped.image) : 0;
    this.#image = mapped === null ? null : mapped.image;
    this.#lookup = (mapped?.absolute ? pc : relPc) - adjustment;
    if (mapped !== null && mapped.image === null) this.#findJit(mapping, pc - adjustment);
    if (registers.dexPc !== 0) {
      this.#addDexFrame(registers.dexPc, registers.sp);
      registers.dexPc = 0;
      if (frames.count === frames.capacity) return 'max frames';
    }
    const frame = frames.push(
      pc - adjustment,
      registers.sp,
      relPc - adjustment,
      this.#lookup,
      mapping,
      this.#image,
      this.#trust,
    );
    this.#frame = frame;
    if (this.#explain !== null) this.#explainFrame(mapped);
    saved.copyFrom(registers);
    registers.signalFrame = false;
    const device = mapped !== null && this.#inDevice(mapping, registers.sp);
    let status = mapped === null || device ? NOT_COVERED : this.#step(mapped, pc, relPc);
    const refused = status === FINISHED && !this.#strict && this.#isRefusal();
    if (refused) status = NOT_COVERED;
    if (registers.signalFrame && adjustment !== 0) {
      // What was interrupted is no call.
      const lookup = this.#image === mapped?.image ? relPc : pc;
      this.#lookup = lookup;
      frames.pc[frame] = pc;
      frames.relPc[frame] = relPc;
      frames.lookup[frame] = lookup;
    }
    if (status === FINISHED) return 'end';
    const stop = this.#strict ? this.#nextStrictly(status, device) : this.#next(status, device);
    if (stop === 'no way on' && refused) return 'end';
    return stop ?? (this.#unchanged() ? 'repeated frame' : null);
  }

  /** Steps by what is known for certain: the kernel's saved registers, then the tables. */
  #step(mapped: MappedImage, pc: number, relPc: number): StepStatus {
    const registers = this.#registers;
    const trampoline = this.#trampoline(mapped, pc, relPc);
    if (trampoline >= 0 && stepSignal(this.arch.trampolines[trampoline]!, registers, this.memory)) {
      registers.signalFrame = true;
      this.#trust = SIGNAL;
      this.#explain?.({ frame: this.#frame, kind: 'rule', text: 'signal trampoline' });
      return STEPPED;
    }
    const image = this.#image;
    if (image === null) return NOT_COVERED;
    const status = image.step(this.#lookup, registers, this.memory, this.#saved);
    this.#trust = image.lastSource === 'exidx' ? EXIDX : CFI;
    if (this.#explain !== null) this.#explainStep(image, status);
    return status;
  }

  /** What comes after a frame: its caller by the tables, else by a guess. */
  #next(status: StepStatus, device: boolean): StopReason | null {
    const registers = this.#registers;
    const context = !this.#adjust;
    if (device) return 'device memory';
    if (status === STEPPED) {
      this.#adjust = !registers.signalFrame;
      // A signal handler may run on another stack; a call does not.
      if (registers.signalFrame || registers.sp >= this.#saved.sp) return null;
      this.#explain?.({ frame: this.#frame, kind: 'rejected', text: 'the sp of the caller would be below the frame' });
    }
    // A table led into the first page, where no code is: the start code's caller, so to say. Nothing is behind it.
    if (!context && this.#saved.pc < FIRST_PAGE) return 'end';
    this.#adjust = true;
    registers.copyFrom(this.#saved);
    this.#trust = this.#fallbacks.step(registers, context, this.#image, this.#lookup, this.#frame, this.#explain);
    return this.#trust < 0 ? 'no way on' : null;
  }

  /** The same as Android does it: one guess, which must lead to a frame that can be stepped. */
  #nextStrictly(status: StepStatus, device: boolean): StopReason | null {
    const frames = this.frames;
    this.#adjust = true;
    if (status === STEPPED) {
      this.#speculative = false;
      return null;
    }
    if (this.#speculative) {
      // With two frames and a wild first pc, the guess is all there is.
      if (frames.count > 2 || (frames.count > 0 && this.images.mappings.find(frames.pc[0]!) >= 0)) frames.count--;
      return 'no way on';
    }
    if (device) return 'device memory';
    this.#registers.copyFrom(this.#saved);
    if (!this.#takeReturnAddress()) return 'no way on';
    this.#speculative = true;
    this.#trust = LEAF;
    return null;
  }

  /** Sets the pc, and nothing else, to what the link register or the top of the stack holds. */
  #takeReturnAddress(): boolean {
    const registers = this.#registers;
    const { pc, lr, returnOnStack, wordSize } = this.arch;
    let low = 0;
    let high = 0;
    if (returnOnStack) {
      const memory = this.memory;
      if (!(wordSize === 8 ? memory.word64(registers.sp) : memory.word32(registers.sp))) return false;
      low = memory.lo;
      high = memory.hi;
    } else {
      low = registers.words[2 * lr]!;
      high = registers.words[2 * lr + 1]!;
    }
    if (registers.words[2 * pc] === low && registers.words[2 * pc + 1] === high) return false;
    registers.setWords(pc, low, high);
    return true;
  }

  /** Whether the end that a table told is only that it knows nothing. */
  #isRefusal(): boolean {
    const image = this.#image;
    if (image === null || !image.lastRefused || image.isStartCode(this.#lookup)) return false;
    return true;
  }

  #unchanged(): boolean {
    const { pc, sp } = this.arch;
    const now = this.#registers.words;
    const before = this.#saved.words;
    return (
      now[2 * pc] === before[2 * pc] &&
      now[2 * pc + 1] === before[2 * pc + 1] &&
      now[2 * sp] === before[2 * sp] &&
      now[2 * sp + 1] === before[2 * sp + 1]
    );
  }

  /**
   * A pc in no mapping may be a signed one whose mask nobody told. Where the address below the signature is code, the bits above
   * are the mask from here on.
   */
  #guessMask(): boolean {
    const registers = this.#registers;
    const { pc, addressBits } = this.arch;
    if (registers.pacMaskHigh !== 0 || registers.words[2 * pc + 1]! >>> 16 === 0) return false;
    for (const bits of addressBits) {
      const mask = (0xffffffff << (bits - 32)) >>> 0;
      const high = (registers.words[2 * pc + 1]! & ~mask) >>> 0;
      if (!this.images.mappings.isExecutable(high * 0x100000000 + registers.words[2 * pc]!)) continue;
      registers.pacMaskHigh = mask;
      stripSignature(registers);
      return true;
    }
    return false;
  }

  /** Bytes from the end of the call instruction's start to its return address. */
  #adjustment(relPc: number, image: Image | null): number {
    if (!this.arch.thumb) return relPc < this.arch.callSize ? 0 : this.arch.callSize;
    if (image === null) return 2;
    const offset = relPc - image.elf.loadBias;
    if (offset < 5) return (offset < 0 ? relPc : offset) < 2 ? 0 : 2;
    return offset % 2 === 1 ? image.thumbCallSize(offset) : 4;
  }

  #trampoline(mapped: MappedImage, pc: number, relPc: number): number {
    const image = mapped.image;
    // Bit 0 of a Thumb pc is no part of its address.
    const bit = this.arch.thumb && !this.#strict ? pc % 2 : 0;
    if (image !== null) return image.trampolineAt(relPc - bit - image.elf.loadBias);
    if (this.#strict) return -1;
    const got = this.memory.read(pc - bit, this.#code);
    return matchTrampoline(this.arch, this.#code.subarray(0, got));
  }

  #inDevice(mapping: number, sp: number): boolean {
    const { mappings } = this.images;
    if (mappings.device[mapping] === 1) return true;
    const stack = mappings.find(sp);
    return stack >= 0 && mappings.device[stack] === 1;
  }

  #findJit(mapping: number, pc: number): void {
    if ((this.images.mappings.mappings[mapping]!.prot & PROT_EXEC) === 0) return;
    const elf = this.#jit.find(pc);
    if (elf === null) return;
    this.#image = this.images.jit(elf);
    this.#lookup = pc;
    if (this.#trust === CFI) this.#trust = JIT;
  }

  #addDexFrame(dexPc: number, sp: number): void {
    const mapping = this.images.mappings.find(dexPc);
    const relPc = mapping < 0 ? dexPc : dexPc - this.images.mappings.mappings[mapping]!.start;
    this.frames.push(dexPc, sp, relPc, dexPc, mapping, null, DEX);
  }

  #explainFrame(mapped: MappedImage | null): void {
    const frame = this.#frame;
    const { pc, sp, relPc, trust } = this.frames;
    const why =
      mapped === null ? 'in no mapping' : mapped.image === null ? mapped.error : `relPc ${hex(relPc[frame]!)}`;
    const text = `pc ${hex(pc[frame]!)} sp ${hex(sp[frame]!)} found by ${TRUSTS[trust[frame]!]}, ${why}`;
    this.#explain?.({ frame, kind: 'frame', text });
  }

  #explainStep(image: Image, status: StepStatus): void {
    const frame = this.#frame;
    if (image.lastError !== '') this.#explain?.({ frame, kind: 'rejected', text: image.lastError });
    if (status === NOT_COVERED) this.#explain?.({ frame, kind: 'rejected', text: 'no unwind table covers the pc' });
    if (status !== STEPPED && status !== FINISHED) return;
    const source = image.lastSource ?? 'eh_frame';
    const cfi = image.cfi(source);
    const rule = cfi === null ? '' : `: ${describeRule(cfi.table, cfi.table.find(this.#lookup), this.arch)}`;
    const end = status !== FINISHED ? '' : image.lastRefused ? ' (cannot unwind)' : ' (outermost)';
    this.#explain?.({ frame, kind: 'rule', text: `${source}${rule}${end}` });
  }

  /** The frames of the last walk with their names. */
  named(): UnwoundFrame[] {
    const { naming, codeNames } = this.#options;
    return nameFrames(this.frames, {
      images: this.images,
      dex: this.#dex,
      codeNames: codeNames ?? null,
      demangle: naming.demangle,
      strict: this.#strict,
    });
  }
}

/** A pc that is in no mapping may be one that carries a signature (arm64). */
function stripSignature(registers: RegisterState): void {
  const { pc } = registers.arch;
  const low = (registers.words[2 * pc]! & ~registers.pacMaskLow) >>> 0;
  const high = (registers.words[2 * pc + 1]! & ~registers.pacMaskHigh) >>> 0;
  registers.setWords(pc, low, high);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
