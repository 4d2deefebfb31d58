/**
 * What building a report asks of unwinding: answered by walking the stacks, or by an unwound report that a dump
 * carries.
 */
import type { ElfFile } from '../../objects/elf/elf-file.js';
import type { SoftError } from '../model/report.js';
import type { DumpMapping } from './mappings.js';
import type { FunctionName, MapFacts, UnwoundReport, UnwoundThread } from './unwound-report.js';

export interface ThreadUnwinder {
  /** Walks from these registers (in `arch.registers` order); null: they could not be read. Never throws. */
  thread(tid: number, registers: Uint8Array | null): UnwoundThread;
  /** The image that begins at a mapping's start. */
  mapFacts(mapping: DumpMapping): MapFacts;
  /** That image itself, null when there is none or when its file is not at hand. */
  imageAt(mapping: DumpMapping): ElfFile | null;
  /** The function that covers an address. */
  functionAt(address: number): FunctionName | null;
  /** What could not be used or resolved so far. */
  readonly softErrors: readonly SoftError[];
}

const NO_IMAGE: MapFacts = { buildId: null, loadBias: 0 };
const NO_FRAMES: UnwoundThread = { frames: [], error: 'the dump has no frames of this thread' };

/** Repeats what was found out when the dump was completed. */
export class RecordedUnwinder implements ThreadUnwinder {
  readonly softErrors: readonly SoftError[] = [];
  readonly #recorded: UnwoundReport;

  constructor(recorded: UnwoundReport) {
    this.#recorded = recorded;
  }

  thread(tid: number): UnwoundThread {
    return this.#recorded.threads.get(tid) ?? NO_FRAMES;
  }

  mapFacts(mapping: DumpMapping): MapFacts {
    return this.#recorded.maps.get(mapping.start) ?? NO_IMAGE;
  }

  imageAt(): null {
    return null;
  }

  functionAt(address: number): FunctionName | null {
    return this.#recorded.names.get(address) ?? null;
  }
}
