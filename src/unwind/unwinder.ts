/** The walk: frame after frame, by the surest way there is. */
import type { Arch } from '../arch/arch.js';
import type { Memory } from '../bytes/memory.js';
import { WordMemory } from '../bytes/word-memory.js';
import type { SymbolSource } from '../symbols/provider.js';
import { matchTrampoline } from './code-bytes.js';
import type { Explain } from './explain.js';
import { CFI, CONTEXT, DEX, JIT, SIGNAL, TRUSTS, type UnwoundFrame } from './frame.js';
import { FrameBuffer } from './frame-buffer.js';
import { exactAddresses, nameFrames } from './frame-names.js';
import { type Guesses, NO_WAY_ON, OUTERMOST } from './guesses/guesses.js';
import type { MappingTable } from './mapping-table.js';
import type { CodeModule, DexSource, JitSource, MappedModule, ModuleFinder } from './module.js';
import { ProcessModules } from './process-modules.js';
import { RegisterState } from './registers.js';
import { DEFAULT_RULES, type RuleSet } from './rule-set.js';
import { stepSignal } from './rules/signal.js';
import { FAILED, FINISHED, NOT_COVERED, STEPPED, type StepStatus } from './rules/stepper.js';

const PROT_EXEC = 4;
const DEFAULT_MAX_FRAMES = 256;
const FIRST_PAGE = 4096;

export interface UnwinderOptions {
  readonly arch: Arch;
  readonly mappings: MappingTable;
  readonly memory: Memory;
  /** What finds the modules behind mappings, in the order in which they are asked. */
  readonly finders: readonly ModuleFinder[];
  /** A name as frames print it. @default as the symbols have it */
  readonly demangle?: (name: string) => string;
  /** Code made at run time, and dex pcs. */
  readonly jit?: JitSource;
  readonly dex?: DexSource;
  /** Names for absolute addresses in code that no image describes (perf's map files). */
  readonly codeNames?: SymbolSource;
  /** @default DEFAULT_RULES */
  readonly rules?: RuleSet;
  /** @default 256 */
  readonly maxFrames?: number;
  /** Bits of a code address that carry its signature (arm64; NT_ARM_PAC_MASK). @default 0n */
  readonly pacMask?: bigint;
  readonly explain?: Explain;
}

/** Frames of a deep stack: of the kernel's usual 8 MiB each has 128 bytes. */
const DEEP_FRAMES = 1 << 16;

export interface DeepStack {
  readonly frames: UnwoundFrame[];
  readonly stop: StopReason;
  /** Frames that were stepped over, those left out too. */
  readonly walked: number;
  /** How many frames are left out, and behind how many of `frames` they were. */
  readonly gap: { readonly after: number; readonly count: number };
}

/** Why a walk ended. `end` is the only one that is no loss. */
export type StopReason = 'end' | 'max frames' | 'repeated frame' | 'device memory' | 'no way on';

/**
 * Unwinds the stacks of one process. Sans I/O: memory, modules, names come through the options, registers through
 * `walk`. What files the modules are made of it does not know: `elfUnwinder` makes one for a process of ELF images.
 *
 * `walk` leaves the frames in `frames`, as numbers; `named` turns them into values. A walk over plain table rules
 * allocates nothing.
 */
export class Unwinder {
  readonly arch: Arch;
  readonly modules: ProcessModules;
  readonly memory: WordMemory;
  /** Of the last walk. */
  frames: FrameBuffer;
  /** Why the last walk ended. */
  stop: StopReason = 'end';
  readonly #options: UnwinderOptions;
  readonly #usual: FrameBuffer;
  #deep: FrameBuffer | null = null;
  readonly #rules: RuleSet;
  readonly #explain: Explain | null;
  readonly #guesses: Guesses;
  readonly #code = new Uint8Array(16);

  // The state of a walk. `#registers` are those of the frame that comes next, `#saved` those of the frame before its
  // step.
  readonly #registers: RegisterState;
  readonly #saved: RegisterState;
  /** How the next frame was found. */
  #trust = CONTEXT;
  /** Whether the next frame's pc is a return address: the call lies before it. */
  #adjust = false;
  // The frame being stepped: its number, its module, and the pc to look up there.
  #frame = 0;
  #module: CodeModule | null = null;
  #lookup = 0;

  constructor(options: UnwinderOptions) {
    this.arch = options.arch;
    this.#options = options;
    this.#rules = options.rules ?? DEFAULT_RULES;
    this.#explain = options.explain ?? null;
    this.memory = new WordMemory(options.memory);
    this.#usual = new FrameBuffer(Math.max(1, options.maxFrames ?? DEFAULT_MAX_FRAMES));
    this.frames = this.#usual;
    this.modules = new ProcessModules(options.arch, options.mappings, options.finders);
    this.#registers = new RegisterState(options.arch);
    this.#saved = new RegisterState(options.arch);
    this.#guesses = this.#rules.guesses(this.modules, this.memory);
  }

  /** Unwinds one stack and names it. */
  unwind(file: Uint8Array): { readonly frames: UnwoundFrame[]; readonly stop: StopReason } {
    this.walk(file);
    return { frames: this.named(), stop: this.stop };
  }

  /** @param file register file, 8 bytes per register in `arch.registers` order */
  walk(file: Uint8Array): void {
    this.#walk(file, this.#usual);
  }

  /**
   * Unwinds a stack that has more frames than a walk keeps, to its outermost: a runaway recursion. The innermost frames
   * are there and as many of the outermost as make up `maxFrames` with them.
   */
  unwindDeep(file: Uint8Array): DeepStack {
    this.#deep ??= new FrameBuffer(DEEP_FRAMES);
    this.#walk(file, this.#deep);
    const walked = this.frames.count;
    const leftOut = Math.max(0, walked - this.#usual.capacity);
    const innermost = Math.ceil((this.#usual.capacity * 3) / 4);
    if (leftOut > 0) this.frames.leaveOut(innermost, innermost + leftOut);
    return {
      frames: this.named(),
      stop: this.stop,
      walked,
      gap: { after: leftOut > 0 ? innermost : 0, count: leftOut },
    };
  }

  #walk(file: Uint8Array, frames: FrameBuffer): void {
    this.frames = frames;
    const registers = this.#registers;
    const mask = this.#options.pacMask ?? 0n;
    registers.load(file);
    registers.pacMaskLow = Number(mask & 0xffffffffn);
    registers.pacMaskHigh = Number((mask >> 32n) & 0xffffffffn);
    this.frames.count = 0;
    this.#guesses.reset();
    this.#trust = CONTEXT;
    this.#adjust = false;
    if (this.modules.mappings.find(registers.pc) < 0) stripSignature(registers);
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
    const { mappings } = this.modules;
    let mapping = mappings.find(registers.pc);
    if (mapping < 0 && this.#rules.guessAddressMask && this.#guessMask()) mapping = mappings.find(registers.pc);
    const pc = registers.pc;
    const mapped = mapping < 0 ? null : this.modules.at(mapping);
    const relPc = mapped === null ? pc : pc + mapped.bias;
    const adjustment = mapped !== null && this.#adjust ? this.#adjustment(relPc, mapped.module) : 0;
    this.#module = mapped === null ? null : mapped.module;
    this.#lookup = (mapped?.absolute ? pc : relPc) - adjustment;
    if (mapped !== null && mapped.module === null) this.#findJit(mapping, pc - adjustment);
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
      this.#module,
      this.#trust,
    );
    frames.known[frame] = registers.known;
    frames.knownAbove[frame] = registers.knownAbove;
    const { words } = registers;
    frames.words[4 * frame] = words[2 * this.arch.pc]!;
    frames.words[4 * frame + 1] = words[2 * this.arch.pc + 1]!;
    frames.words[4 * frame + 2] = words[2 * this.arch.sp]!;
    frames.words[4 * frame + 3] = words[2 * this.arch.sp + 1]!;
    this.#frame = frame;
    if (this.#explain !== null) this.#explainFrame(mapped);
    saved.copyFrom(registers);
    registers.signalFrame = false;
    const device = mapped !== null && this.#inDevice(mapping, registers.sp);
    let status = mapped === null || device ? NOT_COVERED : this.#step(mapped, pc, relPc);
    const refused = status === FINISHED && this.#rules.checkTables && this.#isRefusal();
    if (refused) status = NOT_COVERED;
    if (registers.signalFrame && adjustment !== 0) {
      // What was interrupted is no call.
      const lookup = this.#module === mapped?.module ? relPc : pc;
      this.#lookup = lookup;
      frames.pc[frame] = pc;
      frames.relPc[frame] = relPc;
      frames.lookup[frame] = lookup;
    }
    if (status === FINISHED) return 'end';
    if (!this.#rules.registerValidity) {
      registers.known = -1;
      registers.knownAbove = -1;
    }
    const stop = this.#next(status, device);
    if (stop === 'no way on' && refused) return 'end';
    return stop ?? (this.#unchanged() ? 'repeated frame' : null);
  }

  /** Steps by what is known for certain: the kernel's saved registers, then the tables. */
  #step(mapped: MappedModule, pc: number, relPc: number): StepStatus {
    const registers = this.#registers;
    const trampoline = this.#trampoline(mapped, pc, relPc);
    if (trampoline >= 0 && stepSignal(this.arch.trampolines[trampoline]!, registers, this.memory)) {
      registers.signalFrame = true;
      this.#trust = SIGNAL;
      this.#explain?.({ frame: this.#frame, kind: 'rule', text: 'signal trampoline' });
      return STEPPED;
    }
    const module = this.#module;
    if (module === null) return NOT_COVERED;
    const status = module.step(this.#lookup, registers, this.memory, this.#saved);
    this.#trust = module.last.trust;
    if (this.#explain !== null) this.#explainStep(module, status);
    return status;
  }

  /** What comes after a frame: its caller by the tables, else by a guess. */
  #next(status: StepStatus, device: boolean): StopReason | null {
    const registers = this.#registers;
    const context = !this.#adjust;
    const { checkTables } = this.#rules;
    if (status === STEPPED) {
      this.#adjust = !checkTables || !registers.signalFrame;
      this.#guesses.stepped();
      if (!checkTables) return null;
      // A signal handler may run on another stack; a call does not.
      const wrong = registers.signalFrame ? '' : this.#wrongStep();
      if (wrong === '') return null;
      this.#explain?.({ frame: this.#frame, kind: 'rejected', text: wrong });
    }
    if (this.#guesses.drops(this.frames)) {
      this.frames.count--;
      return 'no way on';
    }
    if (device) return 'device memory';
    // A table led into the first page, where no code is: the start code's caller, so to say. Nothing is behind it.
    if (checkTables && !context && this.#saved.pc < FIRST_PAGE) return 'end';
    this.#adjust = true;
    registers.copyFrom(this.#saved);
    const cutOff = status === FAILED && this.#isCutOff();
    const stuck = { context, module: this.#module, pc: this.#lookup, cutOff, frame: this.#frame };
    this.#trust = this.#guesses.step(registers, stuck, this.#explain);
    if (this.#trust === OUTERMOST) return 'end';
    return this.#trust === NO_WAY_ON ? 'no way on' : null;
  }

  /** Whether the end that a table told is only that it knows nothing. */
  #isRefusal(): boolean {
    const module = this.#module;
    return module?.last.refused === true && !module.isStartCode(this.#lookup);
  }

  /** Why what a table led to is no caller; '' when it may be one. */
  #wrongStep(): string {
    const registers = this.#registers;
    if (registers.sp < this.#saved.sp) return 'the sp of the caller would be below the frame';
    const { mappings } = this.modules;
    const { pc } = registers;
    const index = mappings.find(pc);
    const data = index >= 0 && (mappings.mappings[index]!.prot & PROT_EXEC) === 0;
    return data ? 'the return address would be in memory that is not executable' : '';
  }

  /** Whether the word that the table wanted lies on the frame's own stack: that was copied only so far. */
  #isCutOff(): boolean {
    const missing = this.#module?.last.missing ?? -1;
    const { sp } = this.#saved;
    if (missing < sp) return false;
    const { mappings } = this.modules;
    const stack = mappings.find(sp);
    return stack >= 0 && mappings.find(missing) === stack;
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
   * A pc in no mapping may be a signed one whose mask nobody told. Where the address below the signature is code, the
   * bits above are the mask from here on.
   */
  #guessMask(): boolean {
    const registers = this.#registers;
    const { pc, addressBits } = this.arch;
    if (registers.pacMaskHigh !== 0 || registers.words[2 * pc + 1]! >>> 16 === 0) return false;
    for (const bits of addressBits) {
      const mask = (0xffffffff << (bits - 32)) >>> 0;
      const high = (registers.words[2 * pc + 1]! & ~mask) >>> 0;
      if (!this.modules.mappings.isExecutable(high * 0x100000000 + registers.words[2 * pc]!)) continue;
      registers.pacMaskHigh = mask;
      stripSignature(registers);
      return true;
    }
    return false;
  }

  /** Bytes from the end of the call instruction's start to its return address. */
  #adjustment(relPc: number, module: CodeModule | null): number {
    if (!this.arch.thumb) return relPc < this.arch.callSize ? 0 : this.arch.callSize;
    if (module === null) return 2;
    const offset = relPc - module.code.first;
    if (offset < 5) return (offset < 0 ? relPc : offset) < 2 ? 0 : 2;
    return offset % 2 === 1 ? module.code.thumbCallSize(relPc) : 4;
  }

  #trampoline(mapped: MappedModule, pc: number, relPc: number): number {
    const { module } = mapped;
    const anywhere = this.#rules.trampolinesAnywhere;
    // Bit 0 of a Thumb pc is no part of its address.
    const bit = this.arch.thumb && anywhere ? pc % 2 : 0;
    if (module !== null) return module.code.trampolineAt(relPc - bit);
    if (!anywhere) return -1;
    const got = this.memory.read(pc - bit, this.#code);
    return matchTrampoline(this.arch, this.#code.subarray(0, got));
  }

  #inDevice(mapping: number, sp: number): boolean {
    const { mappings } = this.modules;
    if (!mappings.hasDevice) return false;
    if (mappings.device[mapping] === 1) return true;
    const stack = mappings.find(sp);
    return stack >= 0 && mappings.device[stack] === 1;
  }

  #findJit(mapping: number, pc: number): void {
    if ((this.modules.mappings.mappings[mapping]!.prot & PROT_EXEC) === 0) return;
    const module = this.#options.jit?.find(pc) ?? null;
    if (module === null) return;
    this.#module = module;
    this.#lookup = pc;
    if (this.#trust === CFI) this.#trust = JIT;
  }

  #addDexFrame(dexPc: number, sp: number): void {
    const mapping = this.modules.mappings.find(dexPc);
    const relPc = mapping < 0 ? dexPc : dexPc - this.modules.mappings.mappings[mapping]!.start;
    const frame = this.frames.push(dexPc, sp, relPc, dexPc, mapping, null, DEX);
    this.frames.known[frame] = 0;
    this.frames.knownAbove[frame] = 0;
    // Both are below 2^53: there are no more bits.
    this.frames.words.fill(0, 4 * frame, 4 * frame + 4);
  }

  #explainFrame(mapped: MappedModule | null): void {
    const frame = this.#frame;
    const { relPc, trust } = this.frames;
    const { pc, sp } = exactAddresses(this.frames, frame) ?? { pc: this.frames.pc[frame]!, sp: this.frames.sp[frame]! };
    const why =
      mapped === null ? 'in no mapping' : mapped.module === null ? mapped.error : `relPc ${hex(relPc[frame]!)}`;
    const text = `pc ${hex(pc)} sp ${hex(sp)} found by ${TRUSTS[trust[frame]!]}, ${why}`;
    this.#explain?.({ frame, kind: 'frame', text });
  }

  #explainStep(module: CodeModule, status: StepStatus): void {
    const frame = this.#frame;
    const { source, error, refused } = module.last;
    if (error !== '') this.#explain?.({ frame, kind: 'rejected', text: error });
    if (status === NOT_COVERED) this.#explain?.({ frame, kind: 'rejected', text: 'no unwind table covers the pc' });
    if (status !== STEPPED && status !== FINISHED) return;
    const rule = module.describe(this.#lookup);
    const end = status !== FINISHED ? '' : refused ? ' (cannot unwind)' : ' (outermost)';
    this.#explain?.({ frame, kind: 'rule', text: `${source}${rule === '' ? '' : `: ${rule}`}${end}` });
  }

  /** The frames of the last walk with their names. */
  named(): UnwoundFrame[] {
    const { demangle, codeNames, dex } = this.#options;
    return nameFrames(this.frames, {
      modules: this.modules,
      dex: dex ?? null,
      codeNames: codeNames ?? null,
      demangle: demangle ?? ((name) => name),
      dexOutsideMappings: this.#rules.runtime.dexOutsideMappings,
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

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
