import { describe, expect, it } from 'vitest';
import { localTime, renderBacktrace } from '../../../src/report/classic/backtrace.js';
import { frame, report, thread } from '../build-report.js';

describe('renderBacktrace', () => {
  it('shows every thread', () => {
    const text = renderBacktrace(
      report({
        kind: 'backtrace',
        timeMs: Date.UTC(2024, 4, 1, 23, 37, 59, 999),
        utcOffsetMinutes: 120,
        commandLine: ['./server', '-x'],
        threads: [
          thread({ frames: [frame({ functionName: 'poll', functionOffset: 79 }), frame({ functionName: 'main' })] }),
          thread({ tid: 107, name: null }),
        ],
      }),
    );
    expect(text).toBe(`

----- pid 100 at 2024-05-02 01:37:59 -----
Cmd line: ./server
ABI: 'x86_64'

"main" sysTid=100
  #00 pc 0000000000001136  /usr/bin/app (poll+79)
  #01 pc 0000000000001136  /usr/bin/app (main)

"<unknown>" sysTid=107

----- end 100 -----
`);
  });

  it('leaves out a command line that could not be read', () => {
    expect(renderBacktrace(report({ commandLine: [] }))).toContain("-----\nABI: 'x86_64'\n");
  });
});

describe('localTime', () => {
  it.each([
    [0, 0, '1970-01-01 00:00:00'],
    [0, -210, '1969-12-31 20:30:00'],
    [Date.UTC(2024, 1, 28, 23, 59, 59), 330, '2024-02-29 05:29:59'],
    [Number.NaN, 0, '1970-01-01 00:00:00'],
    [9e15, 0, '1970-01-01 00:00:00'],
  ])('%d ms %d min', (time, offset, text) => {
    expect(localTime(time, offset)).toBe(text);
  });
});
