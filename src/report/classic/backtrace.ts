/** The backtrace of all threads, as `debuggerd -b` prints it: Android 7's text. */

import { reportText } from '../../bytes/shown-text.js';
import type { Report } from '../model/report.js';
import { frameLines } from './frames.js';
import { LEAST_THREAD_BYTES, leftOut, SIBLINGS_BYTES, TextRoom } from './text-room.js';

/**
 * `2024-05-01 13:37:00` on the clock of the machine where it happened. The offset came with the copy: no time zone
 * files are needed, and none could be opened.
 */
export function localTime(timeMs: number, utcOffsetMinutes: number): string {
  const time = new Date(timeMs + utcOffsetMinutes * 60_000);
  return Number.isNaN(time.getTime()) ? '1970-01-01 00:00:00' : time.toISOString().slice(0, 19).replace('T', ' ');
}

/** The whole text. It begins with two blank lines and ends in a newline. */
export function renderBacktrace(report: Report): string {
  const { arch, pid } = report;
  const lines = ['', '', `----- pid ${pid} at ${localTime(report.timeMs, report.utcOffsetMinutes)} -----`];
  const [command] = report.commandLine;
  if (command !== undefined) lines.push(`Cmd line: ${reportText(command)}`);
  lines.push(`ABI: '${arch.abi}'`);
  const { threads } = report;
  let left = SIBLINGS_BYTES;
  for (const [index, thread] of threads.entries()) {
    if (left <= 0) {
      lines.push('', leftOut(threads.length - index, 'thread').trimStart());
      break;
    }
    // The requested thread is whole.
    const part = index === 0 ? Infinity : Math.max(LEAST_THREAD_BYTES, Math.floor(left / (threads.length - index)));
    const room = new TextRoom(part);
    const head = ['', `"${reportText(thread.name ?? '<unknown>')}" sysTid=${thread.tid}`];
    room.spend(head);
    lines.push(...head, ...frameLines(arch, thread, '  ', room));
    if (index > 0) left -= part - room.left;
  }
  return `${lines.join('\n')}\n\n----- end ${pid} -----\n`;
}
