/** What the daemon logs of an engraving. Names in it are the target's: short here, escaped where they are logged. */

import { signalName } from '../linux/signals.js';
import type { Frame, Report } from '../report/model/report.js';
import type { Engraved } from '../wire/job.js';

/** Characters of a text, as many as the log shows; number of the errors that fit a message beside the rest. */
const TEXT = 256;
const ERRORS = 32;

function cut(text: string, length = TEXT): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
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
  const errors = softErrors.slice(0, ERRORS).map(({ step, message }) => cut(`${step}: ${message}`));
  if (softErrors.length > ERRORS) errors.push(`${softErrors.length - ERRORS} more`);
  return {
    type: 'engraved',
    id,
    topFrame: cut(frameSummary(threads[0]?.frames[0])),
    signal: signal === null ? '' : `${signal.number} (${signalName(signal.number)})`,
    threads: threads.length,
    frames: threads.reduce((sum, { frames }) => sum + frames.length, 0),
    micros,
    softErrors: errors,
  };
}
