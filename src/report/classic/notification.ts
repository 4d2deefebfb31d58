/**
 * What the activity manager is told of a crash: of the tombstone's lines the header, the crashed thread's general
 * registers and its backtrace. Floating-point registers, stack, memory, maps, logs and other threads stay in the file.
 */

import type { Report } from '../model/report.js';
import { backtraceLines } from './frames.js';
import { buildLines, causeLines, TOMBSTONE_START, threadLine } from './header.js';
import { registerLines } from './registers.js';

/** The text, ending in a newline; the wire adds its own end byte. */
export function renderNotification(report: Report): string {
  const lines = [TOMBSTONE_START, ...buildLines(report)];
  const thread = report.threads[0];
  if (thread) {
    lines.push(threadLine(report, thread), ...causeLines(report));
    lines.push(...registerLines(report.arch, thread), ...backtraceLines(report.arch, thread));
  }
  return `${lines.join('\n')}\n`;
}
