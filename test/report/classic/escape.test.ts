import { describe, expect, it } from 'vitest';
import { renderBacktrace } from '../../../src/report/classic/backtrace.js';
import { escapeText } from '../../../src/report/classic/escape.js';
import { renderTombstone } from '../../../src/report/classic/tombstone.js';
import { frame, map, report, signal, thread, words } from '../build-report.js';

describe('escapeText', () => {
  it.each([
    ['plain äöü 漢字 🦀 \\012 "\'', 'plain äöü 漢字 🦀 \\012 "\''],
    ['a\nb', 'a\\012b'],
    ['\u0000\t\r\u001b[2J\u007f', '\\000\\011\\015\\033[2J\\177'],
    ['\u0085\u009b', '\\302\\205\\302\\233'],
    ['\u2028\u2029', '\\342\\200\\250\\342\\200\\251'],
    ['\u202eevil\u2066', '\\342\\200\\256evil\\342\\201\\246'],
  ])('%j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });
});

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
