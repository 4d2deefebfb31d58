/**
 * The engraver's work without its process: a minidump and an unwinder in, texts and the completed dump out. No descriptors, no
 * paths: the confined process and `debuggerd engrave` share it.
 */
import type { Arch } from '../../arch/arch.js';
import { MinidumpError } from '../../minidump/format/error.js';
import { Minidump } from '../../minidump/reader/minidump.js';
import type { OutputKind } from '../../wire/job.js';
import { renderBacktrace } from '../classic/backtrace.js';
import { renderNotification } from '../classic/notification.js';
import { renderTombstone } from '../classic/tombstone.js';
import type { Report } from '../model/report.js';
import { completedDump } from './complete.js';
import { type DumpMapping, mappingsOf } from './mappings.js';
import { archOf } from './process-info.js';
import { type BuiltReport, buildReport } from './report-builder.js';
import type { Unwinder } from './thread-unwinder.js';

/** A dump of which no report can be made, and why. */
export class EngraveError extends Error {
  override readonly name = 'EngraveError';
}

/** A dump that was opened: what an unwinder needs of it. */
export interface OpenedDump {
  readonly dump: Minidump;
  readonly arch: Arch;
  readonly mappings: readonly DumpMapping[];
}

/** Throws EngraveError when it is no minidump, or one of a CPU that is not known. */
export function openDump(bytes: Uint8Array): OpenedDump {
  let dump: Minidump;
  try {
    dump = Minidump.open(bytes);
  } catch (error) {
    if (error instanceof MinidumpError) throw new EngraveError(`not a minidump: ${error.message}`);
    throw error;
  }
  const arch = archOf(dump);
  if (arch === null) {
    const system = dump.tolerate(() => dump.systemInfo, null);
    throw new EngraveError(system === null ? 'the dump names no CPU' : `CPU ${system.architecture} is not supported`);
  }
  return { dump, arch, mappings: mappingsOf(dump) };
}

/** What was made of a dump. Only the wanted outputs are there. */
export interface Engraving {
  readonly report: Report;
  readonly texts: Readonly<Partial<Record<Exclude<OutputKind, 'minidump'>, string>>>;
  /** Chunks of the completed dump. */
  readonly minidump: readonly Uint8Array[] | null;
  /** Microseconds: unwind, render, complete. */
  readonly micros: Readonly<Record<string, number>>;
}

const RENDERERS = { tombstone: renderTombstone, backtrace: renderBacktrace, notification: renderNotification } as const;

/** Times steps in whole microseconds. */
export class Stopwatch {
  readonly micros: Record<string, number> = {};
  #last = performance.now();

  /** The time since the previous step was this one's. */
  step(name: string): void {
    const now = performance.now();
    this.micros[name] = Math.round((now - this.#last) * 1000);
    this.#last = now;
  }
}

/**
 * `bytes`: the dump that `opened` was made of; `dumpBytes`: what the completed one may have. Throws EngraveError when the dump cannot be
 * completed.
 */
export function engraveMinidump(
  bytes: Uint8Array,
  opened: OpenedDump,
  unwinder: Unwinder,
  outputs: readonly OutputKind[],
  dumpBytes = Number.POSITIVE_INFINITY,
): Engraving {
  const { dump, arch, mappings } = opened;
  const watch = new Stopwatch();
  const built = buildReport(dump, arch, mappings, unwinder);
  watch.step('unwind');
  const wanted = new Set(outputs);
  const texts: Partial<Record<Exclude<OutputKind, 'minidump'>, string>> = {};
  for (const kind of ['tombstone', 'backtrace', 'notification'] as const) {
    // The completed dump keeps the names that rendering the tombstone asks for.
    if (wanted.has(kind) || (kind === 'tombstone' && wanted.has('minidump')))
      texts[kind] = RENDERERS[kind](built.report);
  }
  watch.step('render');
  const minidump = wanted.has('minidump') ? complete(bytes, opened, built, unwinder, dumpBytes) : null;
  if (minidump !== null) watch.step('complete');
  return { report: built.report, texts, minidump, micros: watch.micros };
}

function complete(
  bytes: Uint8Array,
  opened: OpenedDump,
  built: BuiltReport,
  unwinder: Unwinder,
  limit: number,
): readonly Uint8Array[] {
  try {
    return completedDump(bytes, opened, built, unwinder, limit);
  } catch (error) {
    if (error instanceof MinidumpError || error instanceof RangeError) {
      throw new EngraveError(`the minidump cannot be completed: ${error.message}`);
    }
    throw error;
  }
}
