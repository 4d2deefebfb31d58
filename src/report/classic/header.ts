/** The lines at the head of a tombstone and of each of its threads. */

import { reportText } from '../../bytes/shown-text.js';
import type { Report, ThreadReport } from '../model/report.js';
import { signalLine } from './signal-line.js';

/** The line that begins every tombstone: tools look for it. */
export const TOMBSTONE_START = Array(16).fill('***').join(' ');

/** The line before every further thread. */
export const THREAD_SEPARATOR = Array(16).fill('---').join(' ');

/** Build fingerprint, revision and ABI. */
export function buildLines(report: Report): string[] {
  return [
    `Build fingerprint: '${reportText(report.fingerprint)}'`,
    `Revision: '${reportText(report.revision)}'`,
    `ABI: '${report.arch.abi}'`,
  ];
}

/** `pid: 1, tid: 2, name: worker  >>> ./server <<<` */
export function threadLine(report: Report, thread: ThreadReport): string {
  const name = reportText(thread.name ?? 'UNKNOWN');
  const process = reportText(report.commandLine[0] ?? 'UNKNOWN');
  return `pid: ${report.pid}, tid: ${thread.tid}, name: ${name}  >>> ${process} <<<`;
}

/**
 * The signal (of other systems' dumps the exception), the abort message and the annotations, where there are any; the
 * last as newer Androids print theirs.
 */
export function causeLines(report: Report): string[] {
  const lines: string[] = [];
  const { signal, exception } = report;
  if (signal !== null) lines.push(signalLine(signal));
  else if (exception !== null) {
    lines.push(`exception ${reportText(exception.reason)}, fault addr 0x${exception.address.toString(16)}`);
  }
  if (report.abortMessage !== null) {
    // C's assert and most loggers end their message with a newline; it says nothing.
    lines.push(`Abort message: '${reportText(report.abortMessage.replace(/\n+$/, ''))}'`);
  }
  for (const [key, value] of report.annotations) {
    lines.push(`Extra crash detail: ${reportText(key)}: '${reportText(value.replace(/\n+$/, ''))}'`);
  }
  return lines;
}
