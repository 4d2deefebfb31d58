/**
 * Address to unwind rule, for one .eh_frame or .debug_frame. An FDE is compiled when an address in it is asked for the
 * first time, into rows of flat arrays; its rules are interned. What was compiled is kept: a table belongs to a file,
 * not to a process.
 */
import { runProgram } from './cfa-program.js';
import { DwarfError } from './dwarf-error.js';
import { FdeIndex } from './fde-index.js';
import { type Cie, FrameEntries, type FrameSection } from './frame-entry.js';
import type { RegisterMap } from './register-map.js';
import { RowState } from './row-state.js';
import { RULE_ENTRY, RULE_HEADER, RulePool } from './rule-pool.js';

/** No FDE covers the address. */
export const NO_RULE = -1;
/** An FDE covers it, but says nothing usable. */
export const BROKEN_RULE = -2;

const UNKNOWN = -1;
/** Rows of one file at most. */
const ROW_LIMIT = 1 << 22;
const CACHE = 1024;

export class CfiTable {
  readonly section: FrameSection;
  readonly pool = new RulePool();
  /** Lookups that the cache answered, and that it did not. */
  hits = 0;
  misses = 0;
  readonly #entries: FrameEntries;
  readonly #registers: RegisterMap;
  readonly #row: RowState;
  readonly #scratch: Int32Array;
  readonly #initial = new Map<Cie, RowState | DwarfError>();
  /** The header's index, or the section's own when it has no usable header. */
  readonly #index: CompiledIndex;
  readonly #fromHeader: boolean;
  readonly #trusted: boolean;
  #linear: CompiledIndex | null = null;
  #rowStarts = new Float64Array(256);
  #rowRules = new Int32Array(256);
  #rows = 0;
  readonly #cachePc = new Float64Array(CACHE).fill(-1);
  readonly #cacheRule = new Int32Array(CACHE);

  /**
   * @param header index of .eh_frame_hdr; null: the section is gone through once
   * @param trusted what the header does not list is not looked for; only an FDE without addresses is taken for a
   * mistake
   */
  constructor(section: FrameSection, registers: RegisterMap, header: FdeIndex | null, trusted = false) {
    this.#trusted = trusted;
    this.section = section;
    this.#entries = new FrameEntries(section);
    this.#registers = registers;
    this.#row = new RowState(registers.count);
    this.#scratch = new Int32Array(RULE_HEADER + RULE_ENTRY * registers.count);
    this.#fromHeader = header !== null;
    this.#index = new CompiledIndex(header ?? FdeIndex.fromSection(this.#entries));
  }

  /** Rows and rules compiled so far. */
  get size(): { readonly rows: number; readonly rules: number; readonly fdes: number } {
    return { rows: this.#rows, rules: this.pool.size, fdes: this.#index.index.count };
  }

  /** Bytes that the table takes, its section included. */
  get byteLength(): number {
    const indices = (this.#index.index.count + (this.#linear?.index.count ?? 0)) * 40;
    const rows = this.#rowStarts.byteLength + this.#rowRules.byteLength + this.pool.words.byteLength;
    return this.section.bytes.length + indices + rows + CACHE * 12;
  }

  /** Offset in `pool.words` of the rule for an address, NO_RULE or BROKEN_RULE. */
  find(pc: number): number {
    const slot = (pc ^ (pc >>> 10)) & (CACHE - 1);
    if (this.#cachePc[slot] === pc) {
      this.hits++;
      return this.#cacheRule[slot]!;
    }
    this.misses++;
    let rule = this.#search(this.#index, pc, this.#fromHeader);
    if (rule === LIES || (rule === NO_RULE && this.#fromHeader && !this.#trusted)) {
      // The header has no FDE for it, or a wrong one: it may be incomplete or lie.
      this.#linear ??= new CompiledIndex(FdeIndex.fromSection(this.#entries));
      rule = this.#search(this.#linear, pc, false);
    }
    this.#cachePc[slot] = pc;
    this.#cacheRule[slot] = rule;
    return rule;
  }

  /** Compiles every FDE, for a caller that wants the cost at once. */
  compileAll(): void {
    for (let i = 0; i < this.#index.index.count; i++) {
      if (this.#index.firstRow[i] === UNKNOWN) this.#compile(this.#index, i, this.#fromHeader);
    }
  }

  #search(compiled: CompiledIndex, pc: number, verify: boolean): number {
    const fde = compiled.index.find(pc);
    if (fde < 0) return NO_RULE;
    if (compiled.firstRow[fde] === UNKNOWN) this.#compile(compiled, fde, verify);
    const first = compiled.firstRow[fde]!;
    if (first < 0) return first === LIES ? LIES : BROKEN_RULE;
    let low = first;
    let high = first + compiled.rowCount[fde]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#rowStarts[middle]! <= pc) low = middle + 1;
      else high = middle;
    }
    return low === first ? NO_RULE : this.#rowRules[low - 1]!;
  }

  #compile(compiled: CompiledIndex, index: number, verify: boolean): void {
    const fde = this.#entries.fde(compiled.index.positions[index]!);
    if (fde === null || fde instanceof DwarfError) {
      compiled.firstRow[index] = verify && !this.#trusted ? LIES : BROKEN;
      return;
    }
    const lies = this.#trusted ? fde.end === fde.start : fde.start !== compiled.index.starts[index];
    if (verify && lies) {
      compiled.firstRow[index] = LIES;
      return;
    }
    compiled.firstRow[index] = BROKEN;
    const initial = this.#initialRow(fde.cie);
    const returnColumn = this.#registers.indexOf(fde.cie.returnColumn);
    if (initial instanceof DwarfError || returnColumn < 0 || this.#rows >= ROW_LIMIT) return;
    const first = this.#rows;
    let previous = NO_RULE;
    const row = this.#row;
    row.copyFrom(initial);
    const emit = (from: number, to: number): void => {
      if (from >= fde.end || to <= from) return;
      const interned = row.intern(this.pool, this.#scratch, returnColumn, fde.cie.signalFrame);
      const rule = interned < 0 ? BROKEN_RULE : interned;
      if (rule !== previous) this.#append(from, rule);
      previous = rule;
    };
    const context = {
      cursor: this.#entries.cursor,
      bases: this.section.bases,
      cie: fde.cie,
      registers: this.#registers,
      row,
      initial,
    };
    let last = fde.start;
    const result = runProgram(context, fde.from, fde.to, fde.start, (from, to) => {
      emit(from, to);
      last = to;
    });
    // The last row lasts to the FDE's end; what comes after a broken instruction has no rule.
    if (!(result instanceof DwarfError)) emit(result, fde.end);
    else if (last < fde.end) this.#append(last, BROKEN_RULE);
    this.#append(fde.end, NO_RULE);
    compiled.firstRow[index] = first;
    compiled.rowCount[index] = this.#rows - first;
  }

  #initialRow(cie: Cie): RowState | DwarfError {
    const known = this.#initial.get(cie);
    if (known !== undefined) return known;
    const row = new RowState(this.#registers.count);
    const context = {
      cursor: this.#entries.cursor,
      bases: this.section.bases,
      cie,
      registers: this.#registers,
      row,
      initial: null,
    };
    const result = runProgram(context, cie.from, cie.to, 0, () => {});
    const initial = result instanceof DwarfError ? result : row;
    this.#initial.set(cie, initial);
    return initial;
  }

  #append(start: number, rule: number): void {
    if (this.#rows === this.#rowStarts.length) {
      const starts = new Float64Array(this.#rows * 2);
      starts.set(this.#rowStarts);
      this.#rowStarts = starts;
      const rules = new Int32Array(this.#rows * 2);
      rules.set(this.#rowRules);
      this.#rowRules = rules;
    }
    this.#rowStarts[this.#rows] = start;
    this.#rowRules[this.#rows] = rule;
    this.#rows++;
  }
}

const BROKEN = -2;
/** The header's entry is not about an FDE that begins where it says. */
const LIES = -3;

/** An index and, per FDE, where its compiled rows are. */
class CompiledIndex {
  readonly index: FdeIndex;
  readonly firstRow: Int32Array;
  readonly rowCount: Int32Array;

  constructor(index: FdeIndex) {
    this.index = index;
    this.firstRow = new Int32Array(index.count).fill(UNKNOWN);
    this.rowCount = new Int32Array(index.count);
  }
}
