/** The last lines of each configured log. */

import { reportText } from '../../bytes/shown-text.js';
import type { Report } from '../model/report.js';

/** The logger's own threads: what they would read is what they were about to write. */
function isLogDaemon(report: Report): boolean {
  const name = report.threads[0]?.name ?? '';
  return name === 'logd' || name.startsWith('logd.');
}

/** `--------- tail end of log main` and its lines; a log without lines has no heading. */
export function logLines(report: Report): string[] {
  if (isLogDaemon(report)) return [];
  return report.logs.flatMap(({ name, lines }) =>
    lines.length === 0 ? [] : [`--------- tail end of log ${reportText(name)}`, ...lines.map(reportText)],
  );
}
