/**
 * The engraver's work without its process: a minidump and an unwinder in, texts and the completed dump out. No
 * descriptors, no paths: the confined process and `debuggerd engrave` share it.
 */
import { MinidumpError } from '../../minidump/format/error.js';
import type { OutputKind } from '../../wire/job.js';
import { StepTimer } from '../../wire/step-timer.js';
import { renderBacktrace } from '../classic/backtrace.js';
import { renderNotification } from '../classic/notification.js';
import { renderTombstone } from '../classic/tombstone.js';
import type { Report } from '../model/report.js';
import { completedDump } from './complete.js';
import { EngraveError, type OpenedDump } from './opened-dump.js';
import { type BuiltReport, buildReport } from './report-builder.js';
import type { ThreadUnwinder } from './thread-unwinder.js';

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

/**
 * `bytes`: the dump that `opened` was made of, null where no completed one is wanted; `dumpBytes`: what that may have.
 * Throws EngraveError when the dump cannot be completed.
 */
export function engraveMinidump(
  bytes: Uint8Array | null,
  opened: OpenedDump,
  unwinder: ThreadUnwinder,
  outputs: readonly OutputKind[],
  dumpBytes = Number.POSITIVE_INFINITY,
): Engraving {
  const { dump, arch, mappings } = opened;
  const watch = new StepTimer();
  const wanted = new Set(outputs);
  const nameStacks = wanted.has('tombstone') || wanted.has('minidump');
  const built = buildReport(dump, arch, mappings, unwinder, nameStacks);
  watch.lap('unwind');
  const texts: Partial<Record<Exclude<OutputKind, 'minidump'>, string>> = {};
  for (const kind of ['tombstone', 'backtrace', 'notification'] as const) {
    if (wanted.has(kind)) texts[kind] = RENDERERS[kind](built.report);
  }
  watch.lap('render');
  const minidump =
    wanted.has('minidump') && bytes !== null ? complete(bytes, opened, built, unwinder, dumpBytes) : null;
  if (minidump !== null) watch.lap('complete');
  return { report: built.report, texts, minidump, micros: watch.micros };
}

function complete(
  bytes: Uint8Array,
  opened: OpenedDump,
  built: BuiltReport,
  unwinder: ThreadUnwinder,
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
