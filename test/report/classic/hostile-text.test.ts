import { expect, it } from 'vitest';
import { renderBacktrace } from '../../../src/report/classic/backtrace.js';
import { renderTombstone } from '../../../src/report/classic/tombstone.js';
import { frame, map, report, signal, thread, words } from '../build-report.js';

it('no text of the target adds a line to a report', () => {
  const evil = 'x\nbacktrace:\r    #00 pc 0000000000000000  /forged\u2028y';
  const build = (text: string) =>
    report({
      fingerprint: text,
      revision: text,
      commandLine: [text],
      abortMessage: text,
      signal: signal({ faultAddress: 0x400000n }),
      threads: [
        thread({ name: text, frames: [frame({ mapName: text, functionName: text, sp: 0x1000 })] }),
        thread({ tid: 101, name: text, frames: [frame({ mapName: `[${text}]`, sp: 0x1000 })] }),
      ],
      maps: [map({ name: text })],
      memory: words(0x1000, 0x400100n),
      functionAt: () => ({ name: text, offset: 1 }),
      logs: [{ name: text, lines: [text] }],
    });
  for (const render of [renderTombstone, renderBacktrace]) {
    const lines = (text: string) => render(build(text)).split(/[\n\r\u2028]/).length;
    expect(lines(evil)).toBe(lines('x'));
  }
});
