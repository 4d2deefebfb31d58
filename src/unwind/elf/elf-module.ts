/** One ELF image as a module of the walk: unwind tables, names, code. */
import type { Arch } from '../../arch/arch.js';
import type { WordMemory } from '../../bytes/word-memory.js';
import { debugFrame, ehFrame } from '../../objects/dwarf/frame-sections.js';
import type { RegisterMap } from '../../objects/dwarf/register-map.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import { gnuDebugData } from '../../objects/elf/gnu-debugdata.js';
import type { FunctionAt, SourceAt, SymbolProvider, SymbolSource } from '../../symbols/provider.js';
import { CodeBytes } from '../code-bytes.js';
import { CFI } from '../frame.js';
import type { CodeModule } from '../module.js';
import type { RegisterState } from '../registers.js';
import type { RuleSet } from '../rule-set.js';
import { CfiStepper } from '../rules/cfi.js';
import { ExidxStepper } from '../rules/exidx.js';
import { FAILED, NOT_COVERED, type Stepper, type StepStatus } from '../rules/stepper.js';

interface Table {
  /** `debug_frame`, `gnu_debugdata eh_frame`, `exidx`. */
  readonly source: string;
  readonly stepper: Stepper;
}

const EM_ARM = 40;
const PT_ARM_EXIDX = 0x70000001;
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

/** The last step of a module, filled in place: a step allocates nothing. */
class LastStep {
  trust = CFI;
  source = '';
  error = '';
  missing = -1;
  refused = false;
}

/**
 * What the unwinder knows of one ELF image: its unwind tables in Android's order, its names, and what lies at a pc.
 * Each is made when it is first needed and kept: an image may serve many threads and, through the cache, many
 * processes.
 */
export class ElfModule implements CodeModule {
  readonly elf: ElfFile;
  readonly arch: Arch;
  readonly code: CodeBytes;
  readonly last = new LastStep();
  readonly #registers: RegisterMap;
  readonly #naming: SymbolProvider;
  readonly #rules: RuleSet;
  readonly #debug: ElfFile | null;
  #symbols: SymbolSource | null = null;
  /** Tables opened so far, in order; `#openers` are those not opened yet. */
  readonly #tables: Table[] = [];
  readonly #openers: (() => Table | null)[];

  /** `debug`: the image's separated debug file, null when there is none at hand. */
  constructor(
    elf: ElfFile,
    arch: Arch,
    registers: RegisterMap,
    naming: SymbolProvider,
    rules: RuleSet,
    debug: ElfFile | null = null,
  ) {
    this.elf = elf;
    this.#debug = debug;
    this.arch = arch;
    this.code = new CodeBytes(arch, elf.loadBias, (offset, length) => elf.source.bytes(offset, length));
    this.#registers = registers;
    this.#naming = naming;
    this.#rules = rules;
    this.#openers = [
      () => this.#cfi('debug_frame', elf),
      () => this.#cfi('eh_frame', elf),
      () => this.#cfi('gnu_debugdata debug_frame', innerOf(elf)),
      () => this.#cfi('gnu_debugdata eh_frame', innerOf(elf)),
      () => this.#cfi('debug file debug_frame', debug),
      () => exidx(elf),
    ];
    this.#openers.reverse();
  }

  get buildId(): string | null {
    return this.elf.buildId;
  }

  step(pc: number, registers: RegisterState, memory: WordMemory, saved: RegisterState): StepStatus {
    const { last } = this;
    let failed = false;
    last.source = '';
    last.error = '';
    last.missing = -1;
    last.refused = false;
    for (let i = 0; ; i++) {
      const table = this.#tables[i] ?? this.#open();
      if (table === null) return failed ? FAILED : NOT_COVERED;
      const status = table.stepper.step(pc, registers, memory);
      if (status === NOT_COVERED) continue;
      last.source = table.source;
      last.trust = table.stepper.trust;
      if (status !== FAILED) {
        last.refused = table.stepper.refused;
        return status;
      }
      failed = true;
      last.error = table.stepper.errorText;
      last.missing = table.stepper.missing;
      registers.words.set(saved.words);
      registers.known = saved.known;
      registers.knownAbove = saved.knownAbove;
    }
  }

  functionAt(address: number): FunctionAt | null {
    return this.#names().functionAt(address);
  }

  sourceAt(address: number): SourceAt | null {
    return this.#names().sourceAt?.(address) ?? null;
  }

  get hasFunctions(): boolean {
    return this.#names().isEmpty !== true;
  }

  covers(pc: number): boolean {
    for (let i = 0; ; i++) {
      const table = this.#tables[i] ?? this.#open();
      if (table === null) return false;
      if (table.stepper.covers(pc)) return true;
    }
  }

  functionBound(pc: number): number {
    for (const { stepper } of this.#tables) {
      const bound = stepper.functionBound(pc);
      if (bound > 0) return bound;
    }
    return 0;
  }

  isStartCode(pc: number): boolean {
    const { entry } = this.elf;
    const start = entry - (this.arch.thumb ? entry % 2 : 0);
    if (entry !== 0 && pc >= start && pc < start + START_CODE) return true;
    const name = this.functionAt(pc)?.name;
    return name !== undefined && START_FUNCTIONS.has(name);
  }

  describe(pc: number): string {
    const table = this.#tables.find(({ source }) => source === this.last.source);
    return table === undefined ? '' : table.stepper.describe(pc, this.arch);
  }

  /** Bytes that the tables made so far take, with the sections that they read from. */
  get byteLength(): number {
    let total = 4096 + (this.#symbols?.byteLength ?? 0);
    for (const { stepper } of this.#tables) total += stepper.byteLength;
    return total;
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

  #names(): SymbolSource {
    if (this.#symbols === null) {
      const own = this.#naming.symbols(this.elf);
      this.#symbols = this.#debug === null ? own : inOrder([this.#naming.symbols(this.#debug), own]);
    }
    return this.#symbols;
  }

  #cfi(source: string, elf: ElfFile | null): Table | null {
    if (elf === null) return null;
    const table = source.endsWith('debug_frame')
      ? debugFrame(elf, this.#registers)
      : ehFrame(elf, this.#registers, !this.#rules.elf.searchBehindHeader);
    return table === null ? null : { source, stepper: new CfiStepper(table, this.#registers) };
  }
}

/** The first of them that knows a name has it. */
function inOrder(sources: readonly SymbolSource[]): SymbolSource {
  const first = <T>(ask: (source: SymbolSource) => T | null | undefined): T | null => {
    for (const source of sources) {
      const answer = ask(source) ?? null;
      if (answer !== null) return answer;
    }
    return null;
  };
  return {
    functionAt: (address) => first((source) => source.functionAt(address)),
    sourceAt: (address) => first((source) => source.sourceAt?.(address)),
    get isEmpty() {
      return sources.every(({ isEmpty }) => isEmpty === true);
    },
    get byteLength() {
      return sources.reduce((sum, { byteLength = 0 }) => sum + byteLength, 0);
    },
  };
}

function exidx(elf: ElfFile): Table | null {
  const stepper = elf.machine === EM_ARM ? exidxStepper(elf) : null;
  return stepper === null ? null : { source: 'exidx', stepper };
}

/** The stepper of an image's PT_ARM_EXIDX; null when it has none. */
export function exidxStepper(elf: ElfFile): ExidxStepper | null {
  const segment = elf.bits === 32 ? elf.segments.find(({ type }) => type === PT_ARM_EXIDX) : undefined;
  if (segment === undefined) return null;
  const word = (address: number): number => {
    const bytes = elf.source.bytes(elf.offsetOf(address), 4);
    if (bytes.length < 4) return -1;
    return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  };
  return ExidxStepper.of(segment.vaddr, elf.source.bytes(segment.offset, segment.filesz), word);
}

function innerOf(elf: ElfFile): ElfFile | null {
  const inner = gnuDebugData(elf);
  return inner instanceof ElfFile ? inner : null;
}
