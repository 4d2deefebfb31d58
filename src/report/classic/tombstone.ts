/**
 * The classic tombstone: the text of Android 7's debuggerd, section by section. Where that program's text lies or loses, this
 * one does not: lines are whole however long (it cut them at 512 bytes), control characters in names are octal (see
 * escape.ts), a signal that a process sent has no fault address (it printed the sender's ids as one).
 */

import type { Report, ThreadReport } from '../model/report.js';
import { fpRegisterLines } from './fp-registers.js';
import { backtraceLines } from './frames.js';
import { buildLines, causeLines, THREAD_SEPARATOR, TOMBSTONE_START, threadLine } from './header.js';
import { logLines } from './logs.js';
import { memoryMapLines } from './memory-map.js';
import { memoryLines } from './memory-near.js';
import { registerLines } from './registers.js';
import { stackLines } from './stack.js';

/** A sibling: no signal, no memory, no map. */
function siblingLines(report: Report, thread: ThreadReport): string[] {
  const { arch } = report;
  return [
    THREAD_SEPARATOR,
    threadLine(report, thread),
    ...registerLines(arch, thread),
    ...fpRegisterLines(arch, thread),
    ...backtraceLines(arch, thread),
    ...stackLines(report, thread),
  ];
}

/** The whole tombstone, ending in a newline. */
export function renderTombstone(report: Report): string {
  const { arch } = report;
  const [thread, ...siblings] = report.threads;
  const lines = [TOMBSTONE_START, ...buildLines(report)];
  if (thread) {
    lines.push(threadLine(report, thread), ...causeLines(report));
    lines.push(...registerLines(arch, thread), ...fpRegisterLines(arch, thread));
    lines.push(...backtraceLines(arch, thread), ...stackLines(report, thread), ...memoryLines(report, thread));
  }
  const blocks = [lines, memoryMapLines(report), logLines(report)];
  for (const sibling of siblings) blocks.push(siblingLines(report, sibling));
  return `${blocks.flat().join('\n')}\n`;
}
