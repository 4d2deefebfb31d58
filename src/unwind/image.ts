/** One ELF image as the walk asks it: unwind tables, names, signal trampolines. */
import type { Arch } from '../arch/arch.js';
import type { WordMemory } from '../bytes/word-memory.js';
import { debugFrame, ehFrame } from '../objects/dwarf/frame-sections.js';
import type { RegisterMap } from '../objects/dwarf/register-map.js';
import { ElfFile } from '../objects/elf/elf-file.js';
import { gnuDebugData } from '../objects/elf/gnu-debugdata.js';
import type { FunctionAt, SymbolProvider, SymbolSource } from '../symbols/provider.js';
import type { RegisterState } from './registers.js';
import { CfiStepper } from './rules/cfi.js';
import { ExidxStepper } from './rules/exidx.js';
import { FAILED, NOT_COVERED, type Stepper, type StepStatus } from './stepper.js';

/** Where a step's rule came from. */
export type StepSource = 'debug_frame' | 'eh_frame' | 'gnu_debugdata debug_frame' | 'gnu_debugdata eh_frame' | 'exidx';

interface Table {
  readonly source: StepSource;
  readonly stepper: Stepper;
}

const EM_ARM = 40;
const CACHE = 256;
/** Bytes from an image's entry point on: the start code of C libraries is shorter. */
const START_CODE = 64;
const START_FUNCTIONS: ReadonlySet<string> = new Set([
  '_start',
  '_start_main',
  'clone',
  '__clone',
  '__clone3',
  '__bionic_clone',
]);
const THUMB_CALL = 0xe000f000;

/**
 * What the unwinder knows of one ELF image: its unwind tables in Android's order, its names, and what lies at a pc. Each is made
 * when it is first needed and kept: an image may serve many threads and, through the cache, many processes.
 */
export class Image {
  readonly elf: ElfFile;
  readonly arch: Arch;
  /** The table that the last step asked last, and why it failed ('' when it did not cover the pc). */
  lastSource: StepSource | null = null;
  lastError = '';
  /**
   * Whether FINISHED was all that ARM's exception index had to say: linkers say the same (EXIDX_CANTUNWIND) of functions that were
   * compiled without tables as start code says of itself.
   */
  lastRefused = false;
  readonly #registers: RegisterMap;
  readonly #naming: SymbolProvider;
  readonly #strict: boolean;
  #symbols: SymbolSource | null = null;
  /** Tables opened so far, in order; `#openers` are those not opened yet. */
  readonly #tables: Table[] = [];
  readonly #openers: (() => Table | null)[];
  readonly #trampolinePc = new Float64Array(CACHE).fill(-1);
  readonly #trampoline = new Int8Array(CACHE);
  readonly #callPc = new Float64Array(CACHE).fill(-1);
  readonly #call = new Int8Array(CACHE);

  /** @param strict the tables are read as Android's unwinder reads them */
  constructor(elf: ElfFile, arch: Arch, registers: RegisterMap, naming: SymbolProvider, strict = false) {
    this.elf = elf;
    this.arch = arch;
    this.#registers = registers;
    this.#naming = naming;
    this.#strict = strict;
    this.#openers = [
      () => this.#cfi('debug_frame', elf),
      () => this.#cfi('eh_frame', elf),
      () => this.#cfi('gnu_debugdata debug_frame', innerOf(elf)),
      () => this.#cfi('gnu_debugdata eh_frame', innerOf(elf)),
      () => exidx(elf),
    ];
    this.#openers.reverse();
  }

  /** Steps by the first table that can. When one failed and no later one covers the pc, the result is FAILED. */
  step(pc: number, registers: RegisterState, memory: WordMemory, saved: RegisterState): StepStatus {
    let failed = false;
    this.lastSource = null;
    this.lastError = '';
    this.lastRefused = false;
    for (let i = 0; ; i++) {
      const table = this.#tables[i] ?? this.#open();
      if (table === null) return failed ? FAILED : NOT_COVERED;
      const status = table.stepper.step(pc, registers, memory);
      if (status !== NOT_COVERED) this.lastSource = table.source;
      if (status === FAILED) {
        failed = true;
        this.lastError =
          table.stepper instanceof CfiStepper ? table.stepper.errorText : 'its entry is broken or memory is missing';
        registers.words.set(saved.words);
      } else if (status !== NOT_COVERED) {
        this.lastRefused = table.stepper instanceof ExidxStepper && table.stepper.refused;
        return status;
      }
    }
  }

  functionAt(address: number): FunctionAt | null {
    this.#symbols ??= this.#naming.symbols(this.elf);
    return this.#symbols.functionAt(address);
  }

  /** Whether a table has a rule for the address; for judging candidates. */
  covers(pc: number): boolean {
    for (let i = 0; ; i++) {
      const table = this.#tables[i] ?? this.#open();
      if (table === null) return false;
      if (table.stepper instanceof CfiStepper && table.stepper.table.find(pc) >= 0) return true;
      if (table.stepper instanceof ExidxStepper && table.stepper.find(pc) >= 0) return true;
    }
  }

  /** Where no function that ARM's exception index tells of begins between an address and the pc: the nearest such; 0 without one. */
  tableStart(pc: number): number {
    for (const { stepper } of this.#tables) if (stepper instanceof ExidxStepper) return stepper.startOf(pc);
    return 0;
  }

  /** Whether a pc lies in the code that the kernel or the dynamic linker jumps to, or that begins a thread: nobody called it. */
  isStartCode(pc: number): boolean {
    const { entry } = this.elf;
    const start = entry - (this.arch.thumb ? entry % 2 : 0);
    if (entry !== 0 && pc >= start && pc < start + START_CODE) return true;
    const name = this.functionAt(pc)?.name;
    return name !== undefined && START_FUNCTIONS.has(name);
  }

  /** The CFI stepper of a source, for explanations. */
  cfi(source: StepSource): CfiStepper | null {
    const stepper = this.#tables.find((table) => table.source === source)?.stepper;
    return stepper instanceof CfiStepper ? stepper : null;
  }

  /** Bytes that the tables made so far take, with the sections that they read from. */
  get byteLength(): number {
    let total = 4096 + (this.#symbols?.byteLength ?? 0);
    for (const { stepper } of this.#tables) {
      if (stepper instanceof CfiStepper) total += stepper.table.byteLength;
      else if (stepper instanceof ExidxStepper) total += stepper.byteLength;
    }
    return total;
  }

  /** Index in `arch.trampolines` of the signal trampoline that begins at this offset of the image; -1 for none. */
  trampolineAt(offset: number): number {
    if (!(offset >= 0)) return -1;
    const slot = (offset ^ (offset >>> 8)) & (CACHE - 1);
    if (this.#trampolinePc[slot] !== offset) {
      this.#trampolinePc[slot] = offset;
      this.#trampoline[slot] = matchTrampoline(this.arch, this.elf.source.bytes(offset, 16));
    }
    return this.#trampoline[slot]!;
  }

  /**
   * Thumb: bytes of the call that ends at this return address (an offset of the image, bit 0 set): 4 when the halfwords before it
   * are a 32-bit instruction of the kind that BL and BLX are, else 2.
   */
  thumbCallSize(offset: number): number {
    const slot = (offset ^ (offset >>> 8)) & (CACHE - 1);
    if (this.#callPc[slot] !== offset) {
      this.#callPc[slot] = offset;
      const bytes = this.elf.source.bytes(offset - 5, 4);
      const word = bytes.length < 4 ? 0 : bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
      this.#call[slot] = (word & THUMB_CALL) >>> 0 === THUMB_CALL ? 4 : 2;
    }
    return this.#call[slot]!;
  }

  #open(): Table | null {
    for (let open = this.#openers.pop(); open !== undefined; open = this.#openers.pop()) {
      const table = open();
      if (table === null) continue;
      this.#tables.push(table);
      return table;
    }
    return null;
  }

  #cfi(source: StepSource, elf: ElfFile | null): Table | null {
    if (elf === null) return null;
    const table = source.endsWith('debug_frame')
      ? debugFrame(elf, this.#registers)
      : ehFrame(elf, this.#registers, this.#strict);
    return table === null ? null : { source, stepper: new CfiStepper(table, this.#registers) };
  }
}

function exidx(elf: ElfFile): Table | null {
  const stepper = elf.machine === EM_ARM ? ExidxStepper.of(elf) : null;
  return stepper === null ? null : { source: 'exidx', stepper };
}

function innerOf(elf: ElfFile): ElfFile | null {
  const inner = gnuDebugData(elf);
  return inner instanceof ElfFile ? inner : null;
}

/** Index of the trampoline whose code `bytes` begin with; -1 for none. */
export function matchTrampoline(arch: Arch, bytes: Uint8Array): number {
  return arch.trampolines.findIndex((trampoline) =>
    trampoline.code.some((code) => code.length <= bytes.length && code.every((byte, i) => bytes[i] === byte)),
  );
}
