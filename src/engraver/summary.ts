/** What the daemon logs of an engraving. Names in it are the target's: escaped and short. */

import { signalName } from '../linux/signals.js';
import { escapeText } from '../report/classic/escape.js';
import type { Frame, Report } from '../report/model/report.js';
import type { Engraved } from '../wire/job.js';

/** Characters of a text, and number and length of the errors that fit a message beside the rest. */
const TEXT = 256;
const ERRORS = 32;
const ERROR_TEXT = 512;

function cut(text: string, length: number): string {
  const safe = escapeText(text);
  return safe.length <= length ? safe : `${safe.slice(0, length - 3)}...`;
}

/** `abort+12 (/lib/libc.so.6)`, or where the code lies when it has no name. */
function frameSummary(frame: Frame | undefined): string {
  if (frame === undefined) return '';
  const file = frame.mapName ?? '<unknown>';
  if (frame.functionName === null) return `${file}+0x${frame.relPc.toString(16)}`;
  return `${frame.functionName}+${frame.functionOffset} (${file})`;
}

export function summarize(id: number, report: Report, micros: Readonly<Record<string, number>>): Engraved {
  const { signal, threads, softErrors } = report;
  const errors = softErrors.slice(0, ERRORS).map(({ step, message }) => cut(`${step}: ${message}`, ERROR_TEXT));
  if (softErrors.length > ERRORS) errors.push(`${softErrors.length - ERRORS} more`);
  return {
    type: 'engraved',
    id,
    topFrame: cut(frameSummary(threads[0]?.frames[0]), TEXT),
    signal: signal === null ? '' : `${signal.number} (${signalName(signal.number)})`,
    threads: threads.length,
    frames: threads.reduce((sum, { frames }) => sum + frames.length, 0),
    micros,
    softErrors: errors,
  };
}
