/** A minidump becomes a Report: the facts from its streams, the frames from an unwinder. */
import type { Arch } from '../../arch/arch.js';
import type { Minidump } from '../../minidump/reader/minidump.js';
import type { MinidumpThread } from '../../minidump/reader/threads.js';
import type { Report, SoftError, ThreadReport } from '../model/report.js';
import { annotationsOf } from './annotations.js';
import type { DumpMapping } from './mappings.js';
import { reportedProcess } from './process-info.js';
import { contextOf, registerFile } from './register-file.js';
import { exceptionOf, signalOf } from './signal-info.js';
import { stackNames } from './stack-names.js';
import type { ThreadUnwinder } from './thread-unwinder.js';
import type { FunctionName } from './unwound-report.js';

export interface BuiltReport {
  readonly report: Report;
  /** Functions that the shown words of the stacks point into, by address; empty where they were not wanted. */
  readonly names: ReadonlyMap<number, FunctionName>;
}

/** More soft errors than anybody reads are counted, not kept. */
const MAX_SOFT_ERRORS = 1000;

/** The crashed or requested thread first, then ascending by tid. */
function inOrder(threads: readonly MinidumpThread[], tid: number): MinidumpThread[] {
  return [...threads].sort((a, b) => Number(b.tid === tid) - Number(a.tid === tid) || a.tid - b.tid);
}

class ThreadBuilder {
  readonly #dump: Minidump;
  readonly #arch: Arch;
  readonly #unwinder: ThreadUnwinder;
  readonly #names: ReadonlyMap<number, string> | null;
  readonly #raw: ReadonlyMap<number, Uint8Array> | null;

  constructor(dump: Minidump, arch: Arch, unwinder: ThreadUnwinder) {
    this.#dump = dump;
    this.#arch = arch;
    this.#unwinder = unwinder;
    this.#names = dump.tolerate(() => dump.threadNames, null);
    this.#raw = dump.tolerate(() => dump.rawRegisters, null);
  }

  build(thread: MinidumpThread): ThreadReport {
    const { tid } = thread;
    const bytes = this.#dump.tolerate(() => this.#dump.threadContext(thread), null);
    const context = bytes === null ? null : contextOf(this.#arch, bytes);
    const registers = registerFile(this.#arch, this.#raw?.get(tid) ?? null, context);
    const { frames, error, gap } = this.#unwinder.thread(tid, registers);
    const name = this.#names?.get(tid) ?? null;
    return { tid, name, registers, context, frames, unwindError: error, ...(gap && { gap }) };
  }
}

/** Soft errors of the capture, of reading the dump and of unwinding. */
function gatherErrors(dump: Minidump, unwinder: ThreadUnwinder, threads: readonly ThreadReport[]): SoftError[] {
  const errors: SoftError[] = [...(dump.tolerate(() => dump.softErrors, null) ?? []), ...unwinder.softErrors];
  for (const { message } of dump.problems) errors.push({ step: 'minidump', message });
  for (const { tid, unwindError } of threads) {
    if (unwindError !== null) errors.push({ step: 'unwind', message: `thread ${tid}: ${unwindError}` });
  }
  if (errors.length <= MAX_SOFT_ERRORS) return errors;
  const message = `${errors.length - MAX_SOFT_ERRORS} more`;
  return [...errors.slice(0, MAX_SOFT_ERRORS), { step: 'report', message }];
}

/**
 * Never throws: what cannot be read is missing from the report and among its soft errors.
 *
 * @param nameStacks whether the functions that words on the stacks point into are named: tombstones and completed dumps
 * have them
 */
export function buildReport(
  dump: Minidump,
  arch: Arch,
  mappings: readonly DumpMapping[],
  unwinder: ThreadUnwinder,
  nameStacks: boolean,
): BuiltReport {
  const facts = reportedProcess(dump);
  const builder = new ThreadBuilder(dump, arch, unwinder);
  const captured = dump.tolerate(() => dump.threads, null) ?? [];
  const threads = inOrder(captured, facts.tid).map((thread) => builder.build(thread));
  const maps = mappings.map((mapping) => {
    const { start, end, perms, offset, name } = mapping;
    return { start, end, perms, offset, name, ...unwinder.mapFacts(mapping) };
  });
  const { memory } = dump;
  const functionAt = (address: number): FunctionName | null => unwinder.functionAt(address);
  const names: ReadonlyMap<number, FunctionName> = nameStacks
    ? stackNames({ arch, threads, maps, memory }, functionAt)
    : new Map();
  const signal = signalOf(dump);
  const report: Report = {
    ...facts,
    arch,
    commandLine: dump.tolerate(() => dump.commandLine, null) ?? [],
    signal,
    exception: signal === null ? exceptionOf(dump) : null,
    abortMessage: dump.tolerate(() => dump.abortMessage, null),
    annotations: dump.tolerate(() => annotationsOf(dump.crashpadInfo), []),
    threads,
    maps,
    memory,
    logs: dump.tolerate(() => dump.logTails, null) ?? [],
    functionAt: (address) => names.get(address) ?? functionAt(address),
    softErrors: gatherErrors(dump, unwinder, threads),
  };
  return { report, names };
}
