/** What the log says of a request. Every text in it comes from processes, and is made harmless here. */
import { logText } from '../../bytes/shown-text.js';
import type { Engraved } from '../../wire/job.js';
import type { Action } from '../../wire/request.js';
import type { PeerCredentials, TargetInfo } from '../policy/policy.js';

/** How many frames of a report that was lost a log is given. */
const MAX_LOGGED_FRAMES = 32;

export interface AnsweredRequest {
  readonly kind: Action;
  readonly asker: PeerCredentials;
  /** comm of the asking process and of the target thread. */
  readonly names: { readonly peerName: string; readonly targetName: string };
  readonly target: TargetInfo;
  /** Why it was allowed. */
  readonly grounds: string;
  /** What came of it. */
  readonly details: readonly string[];
}

/**
 * `backtrace of pid 7 tid 8 "name" uid 1000 asked by pid 9 "sh" uid 0 (root): …`
 *
 * Who asks for a crash is who crashed.
 */
export function requestLine({ kind, asker, names, target, grounds, details }: AnsweredRequest): string {
  const by =
    kind === 'crash' ? '' : ` asked by pid ${asker.pid} "${logText(names.peerName, 64)}" uid ${asker.uid} (${grounds})`;
  const name = logText(names.targetName, 64);
  return `${kind} of pid ${target.pid} tid ${target.tid} "${name}" uid ${target.uid.real}${by}: ${details.join(', ')}`;
}

/** What was found: `11 (SIGSEGV), crash+4 (/bin/x), 3 threads, 17 frames`. */
export function describe({ signal, topFrame, threads, frames }: Engraved): string {
  const where = topFrame === '' ? '' : `${logText(topFrame)}, `;
  return `${signal === '' ? '' : `${logText(signal, 64)}, `}${where}${threads} threads, ${frames} frames`;
}

/** The frames in a tombstone, as many as a log should have of a report that was lost. */
export function backtraceOf(tombstone: string): string[] {
  const [, after = ''] = tombstone.split('\nbacktrace:\n', 2);
  const lines = after.split('\n');
  const end = lines.indexOf('');
  return lines.slice(0, Math.min(MAX_LOGGED_FRAMES, end < 0 ? lines.length : end)).map((line) => line.trim());
}

/** `freeze 120, memory 300 us` */
export function times(micros: Readonly<Record<string, number>>): string {
  const steps = Object.entries(micros).map(([step, value]) => `${step} ${Math.round(value)}`);
  return `${logText(steps.join(', '))} us`;
}
