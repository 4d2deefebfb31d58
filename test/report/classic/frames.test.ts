import { describe, expect, it } from 'vitest';
import { backtraceLines, frameLines, frameText } from '../../../src/report/classic/frames.js';
import { frame, thread, x86, x86_64 } from '../build-report.js';

describe('frameText', () => {
  it.each([
    [frame(), '#00 pc 0000000000001136  /usr/bin/app'],
    [frame({ functionName: 'main', functionOffset: 10 }), '#00 pc 0000000000001136  /usr/bin/app (main+10)'],
    [frame({ functionName: 'main' }), '#00 pc 0000000000001136  /usr/bin/app (main)'],
    [
      frame({
        mapName: '/data/app/base.apk!libgame.so',
        elfOffset: 0x1f000,
        functionName: 'f(int)',
        functionOffset: 1,
      }),
      '#00 pc 0000000000001136  /data/app/base.apk!libgame.so (offset 0x1f000) (f(int)+1)',
    ],
    [
      frame({ mapName: '', mapStart: 0x7f0012340000, relPc: 0x10 }),
      '#00 pc 0000000000000010  <anonymous:00007f0012340000>',
    ],
    [
      frame({ mapName: '[vdso]', mapStart: 0x7fff12345000, functionName: 'clock_gettime', functionOffset: 5 }),
      '#00 pc 0000000000001136  [vdso:00007fff12345000] (clock_gettime+5)',
    ],
    [frame({ mapName: '[', mapStart: 0x1000 }), '#00 pc 0000000000001136  ['],
    [frame({ mapName: null, relPc: 0xdead, functionName: null }), '#00 pc 000000000000dead  <unknown>'],
    [frame({ mapName: '/usr/bin/app (deleted)' }), '#00 pc 0000000000001136  /usr/bin/app (deleted)'],
  ])('%#', (value, text) => {
    expect(frameText(x86_64, value, 0)).toBe(text);
  });

  it.each([
    ['leaf', 'return address'],
    ['fp', 'frame pointer'],
    ['code', 'code'],
    ['scan', 'stack scan'],
  ] as const)('marks what was guessed: %s', (trust, how) => {
    const guessed = frame({ functionName: 'main', functionOffset: 10, trust });
    expect(frameText(x86_64, guessed, 1)).toBe(`#01 pc 0000000000001136  /usr/bin/app (main+10) [guessed: ${how}]`);
  });

  it.each(['context', 'cfi', 'exidx', 'signal', 'jit', 'dex'] as const)('marks nothing by %s', (trust) => {
    expect(frameText(x86_64, frame({ trust }), 0)).toBe('#00 pc 0000000000001136  /usr/bin/app');
  });

  it('has 8 digits on a 32-bit CPU', () => {
    expect(frameText(x86, frame({ mapName: '', mapStart: 0xf7000000 }), 7)).toBe(
      '#07 pc 00001136  <anonymous:f7000000>',
    );
  });

  it('counts beyond 99', () => {
    expect(frameText(x86_64, frame(), 123)).toMatch(/^#123 pc /);
  });
});

it('a backtrace block is indented and follows a blank line; without frames there is none', () => {
  const frames = [frame(), frame({ mapName: null, relPc: 1 })];
  expect(backtraceLines(x86_64, thread({ frames }))).toEqual([
    '',
    'backtrace:',
    '    #00 pc 0000000000001136  /usr/bin/app',
    '    #01 pc 0000000000000001  <unknown>',
  ]);
  expect(backtraceLines(x86_64, thread())).toEqual([]);
});

it('an address that is no exact Number is printed with every digit, in any frame', () => {
  const wild = 0x4141414141414141n;
  const exact = { pc: wild, sp: 0x7ffe0000n, relPc: wild };
  const frames = [frame(), frame({ pc: Number(wild), relPc: Number(wild), exact, mapName: null })];
  expect(frameLines(x86_64, thread({ frames }), '')).toEqual([
    '#00 pc 0000000000001136  /usr/bin/app',
    '#01 pc 4141414141414141  <unknown>',
  ]);
  expect(frameLines(x86_64, thread({ frames: [frame({ relPc: 2 ** 63, mapName: null })] }), '')).toEqual([
    '#00 pc 8000000000000000  <unknown>',
  ]);
});

it('a runaway recursion: the top, how many frames are left out, and who started it', () => {
  const deep = thread({
    frames: [frame(), frame(), frame({ functionName: 'main' })],
    gap: { after: 2, count: 30_000 },
  });
  expect(frameLines(x86_64, deep, '')).toEqual([
    '#00 pc 0000000000001136  /usr/bin/app',
    '#01 pc 0000000000001136  /usr/bin/app',
    '    (30000 more frames are left out)',
    '#30002 pc 0000000000001136  /usr/bin/app (main)',
  ]);
});
