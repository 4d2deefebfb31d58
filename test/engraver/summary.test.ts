import { expect, test } from 'vitest';
import { logText } from '../../src/bytes/shown-text.js';
import { summarize } from '../../src/engraver/summary.js';
import { frame, report, thread } from '../report/build-report.js';

const EVIL = 'a\nb\\012';

test('names are escaped once, by the log', () => {
  const hostile = report({
    threads: [thread({ frames: [frame({ functionName: EVIL, functionOffset: 1, mapName: '/x' })] })],
  });
  const { topFrame, softErrors } = summarize(1, { ...hostile, softErrors: [{ step: 'module', message: EVIL }] }, {});
  expect(logText(topFrame)).toBe('a\\x0ab\\\\012+1 (/x)');
  expect(softErrors.map((text) => logText(text))).toEqual(['module: a\\x0ab\\\\012']);
});

test('as many errors as fit a message, each as long as the log shows it', () => {
  const softErrors = Array.from({ length: 50 }, () => ({ step: 'module', message: '\0'.repeat(5000) }));
  const { softErrors: kept } = summarize(1, { ...report({}), softErrors }, {});
  expect(kept).toHaveLength(33);
  expect(kept.at(-1)).toBe('18 more');
  expect(Math.max(...kept.map((text) => text.length))).toBe(256);
});
