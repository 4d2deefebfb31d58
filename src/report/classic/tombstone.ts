/**
 * The classic tombstone: the text of Android 7's debuggerd, section by section. Where that program's text lies or
 * loses, this one does not: lines are whole however long (it cut them at 512 bytes), control characters in names are
 * octal (see escape.ts), a signal that a process sent has no fault address (it printed the sender's ids as one).
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
import { LEAST_THREAD_BYTES, leftOut, SIBLINGS_BYTES, STACK_BYTES, TextRoom } from './text-room.js';

/**
 * A sibling: no signal, no memory, no map. Its frames come before the words of its stack where there is no room for
 * both.
 */
function siblingLines(report: Report, thread: ThreadReport, room: TextRoom): string[] {
  const { arch } = report;
  const head = [
    THREAD_SEPARATOR,
    threadLine(report, thread),
    ...registerLines(arch, thread),
    ...fpRegisterLines(arch, thread),
  ];
  room.spend(head);
  return [...head, ...backtraceLines(arch, thread, room), ...stackLines(report, thread, room)];
}

/** All threads but the first, each with its part of the room. */
function* siblingBlocks(report: Report): Generator<string[]> {
  const siblings = report.threads.slice(1);
  let left = SIBLINGS_BYTES;
  for (const [index, thread] of siblings.entries()) {
    if (left <= 0) {
      yield [THREAD_SEPARATOR, leftOut(siblings.length - index, 'thread').trimStart()];
      return;
    }
    const part = Math.max(LEAST_THREAD_BYTES, Math.floor(left / (siblings.length - index)));
    const room = new TextRoom(part);
    yield siblingLines(report, thread, room);
    left -= part - room.left;
  }
}

/** The whole tombstone, ending in a newline. */
export function renderTombstone(report: Report): string {
  const { arch } = report;
  const [thread] = report.threads;
  const lines = [TOMBSTONE_START, ...buildLines(report)];
  if (thread) {
    lines.push(threadLine(report, thread), ...causeLines(report));
    lines.push(...registerLines(arch, thread), ...fpRegisterLines(arch, thread));
    lines.push(...backtraceLines(arch, thread), ...stackLines(report, thread, new TextRoom(STACK_BYTES)));
    lines.push(...memoryLines(report, thread));
  }
  const blocks = [lines, memoryMapLines(report), logLines(report)];
  blocks.push(...siblingBlocks(report));
  return `${blocks.flat().join('\n')}\n`;
}
