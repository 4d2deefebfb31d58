import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeDump, jsonText } from '../../../src/cli/show/document.js';
import { documentLines } from '../../../src/cli/show/text.js';
import { writeOutput } from '../../../src/engraver/outputs.js';
import { summarize } from '../../../src/engraver/summary.js';
import { Platform } from '../../../src/minidump/format/system.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { engraveMinidump } from '../../../src/report/from-dump/engrave.js';
import { EngraveError, openDump } from '../../../src/report/from-dump/opened-dump.js';
import { RecordedUnwinder, type ThreadUnwinder } from '../../../src/report/from-dump/thread-unwinder.js';
import { decodeUnwoundReport } from '../../../src/report/from-dump/unwound-report.js';
import type { OutputKind } from '../../../src/wire/job.js';
import { APP, buildDump, type DumpSpec, STACK } from '../../engraver/build-dump.js';
import { frame, report, signal, thread } from '../build-report.js';

/** Finds `main` in every thread with registers, and the image at APP. */
const unwinder: ThreadUnwinder = {
  thread: (tid, registers) =>
    registers === null
      ? { frames: [], error: 'no registers' }
      : {
          frames: [
            frame({
              pc: 0x401136,
              sp: STACK + 0x800,
              functionName: 'main',
              functionOffset: tid,
              buildId: 'ab'.repeat(20),
            }),
          ],
          error: null,
        },
  imageAt: () => null,
  mapFacts: ({ start }) =>
    start === APP ? { buildId: 'ab'.repeat(20), loadBias: 0x1000 } : { buildId: null, loadBias: 0 },
  functionAt: (address) => (address === 0x401200 ? { name: 'callee', offset: 4 } : null),
  softErrors: [{ step: 'module', message: 'x' }],
};
const stackBytes = Buffer.alloc(0x100);
stackBytes.writeBigUInt64LE(0x401200n, 0x88);
const spec: DumpSpec = {
  threads: [
    { tid: 105, name: 'last' },
    { tid: 100, name: 'app', registers: { rip: 0x401136n }, stack: { address: STACK + 0x780, bytes: stackBytes } },
    { tid: 101, registers: { rip: 1n } },
  ],
  modules: [{ base: APP, size: 0x3000, name: '/usr/lib/app.so.1.2' }],
  abortMessage: 'it broke\n',
};
const engrave = (bytes: Buffer, outputs: readonly OutputKind[], by = unwinder) =>
  engraveMinidump(bytes, openDump(bytes), by, outputs);

describe('engraveMinidump', () => {
  const bytes = buildDump(spec);

  it('renders what is wanted and nothing else', () => {
    const { texts, minidump } = engrave(bytes, ['backtrace']);
    expect(Object.keys(texts)).toEqual(['backtrace']);
    expect(minidump).toBeNull();
    expect(texts.backtrace).toContain('----- pid 100 at 2024-05-01 12:00:00 -----\nCmd line: ./app\n');
  });

  it('puts the crashed thread first, the others by tid, and says what is missing', () => {
    const { report: made } = engrave(bytes, []);
    expect(made.threads.map(({ tid }) => tid)).toEqual([100, 101, 105]);
    expect(made.threads.map(({ name }) => name)).toEqual(['app', null, 'last']);
    expect(made.softErrors).toContainEqual({ step: 'unwind', message: 'thread 105: no registers' });
    expect(made.softErrors).toContainEqual({ step: 'module', message: 'x' });
  });

  it('makes a whole tombstone', () => {
    const { texts } = engrave(bytes, ['tombstone', 'notification']);
    expect(texts.tombstone).toContain("\nAbort message: 'it broke'\n");
    expect(texts.tombstone).toContain('\n    #00 pc 0000000000001136  /usr/bin/app (main+100)\n');
    expect(texts.tombstone).toContain('         00007ffe00000808  0000000000401200  /usr/bin/app (callee+4)\n');
    expect(texts.tombstone).toContain(`/usr/bin/app (BuildId: ${'ab'.repeat(20)}) (load base 0x1000)\n`);
    expect(texts.tombstone).toContain(
      "\n    ffffffff'ff600000-ffffffff'ff600fff --x         0      1000  [vsyscall]\n",
    );
    expect(texts.tombstone?.startsWith(texts.notification ?? '?')).toBe(true);
  });

  it.each([
    [Platform.windowsNt, 0xc0000005, 0, 'exception EXCEPTION_ACCESS_VIOLATION, fault addr 0xdead'],
    // As a number, EXC_BAD_ACCESS is SIGHUP.
    [Platform.macos, 1, 1, 'exception EXC_BAD_ACCESS / KERN_INVALID_ADDRESS, fault addr 0xdead'],
    [Platform.macos, 6, 2, 'exception EXC_BREAKPOINT / EXC_I386_BPT, fault addr 0xdead'],
    [Platform.linux, 11, 1, 'signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0xdead'],
    [Platform.linux, 0x43507378, 0, 'exception 0x43507378 / 0x00000000, fault addr 0xdead'],
  ])('says a crash in the words of its system (%i, %i)', (platform, code, flags, line) => {
    const dump = buildDump({ info: null, platform, exception: { code, flags, address: 0xdeadn } });
    const { texts } = engrave(dump, ['tombstone', 'notification']);
    for (const text of [texts.tombstone, texts.notification]) {
      expect(text?.split('\n').filter((each) => /^(signal|exception) /.test(each))).toEqual([line]);
    }
  });

  it('the completed dump renders the same without any binary', () => {
    const { texts, minidump } = engrave(bytes, ['tombstone', 'minidump', 'backtrace']);
    const completed = Buffer.concat(minidump ?? []);
    const recorded = decodeUnwoundReport(Minidump.open(completed).reportJson);
    const again = engrave(completed, ['tombstone', 'backtrace'], new RecordedUnwinder(recorded!));
    expect(again.texts).toEqual(texts);
  });

  it('the completed dump has the names on its stacks though no text was rendered', () => {
    const { minidump, texts } = engrave(bytes, ['minidump']);
    expect(texts).toEqual({});
    const completed = Minidump.open(Buffer.concat(minidump! as Uint8Array[]));
    expect(decodeUnwoundReport(completed.reportJson)?.names).toEqual(
      new Map([[0x401200, { name: 'callee', offset: 4 }]]),
    );
    const asked: number[] = [];
    const counting: ThreadUnwinder = {
      ...unwinder,
      functionAt: (address) => {
        asked.push(address);
        return null;
      },
    };
    engrave(bytes, ['backtrace'], counting);
    expect(asked).toEqual([]);
  });

  it('source lines, inlined calls and known registers go into the completed dump, and come back', () => {
    const source = { file: '/src/app.c', line: 12 };
    const inlined = [
      { name: 'helper', source: { file: '/src/helper.h', line: 0 } },
      { name: 'other', source: null },
    ];
    const registers = ['rsp', 'rip'];
    const frames = [
      frame({ source, inlined, knownRegisters: registers }),
      frame({ knownRegisters: registers }),
      frame({ source: { file: 'a', line: 1 } }),
    ];
    const withLines: ThreadUnwinder = { ...unwinder, thread: () => ({ frames, error: null }) };
    const { minidump } = engrave(bytes, ['minidump'], withLines);
    const completed = Minidump.open(Buffer.concat(minidump! as Uint8Array[]));
    expect(decodeUnwoundReport(completed.reportJson)?.threads.get(100)?.frames).toEqual(frames);
    // What `show` prints, as text and as JSON.
    const document = describeDump(completed);
    expect(document.sections.report).toMatchObject({
      registerSets: [registers],
      threads: [
        {
          frames: [
            {
              file: '/src/app.c',
              line: 12,
              inlined: [{ function: 'helper', file: '/src/helper.h' }, { function: 'other' }],
              registers: 0,
            },
            { registers: 0 },
            { file: 'a', line: 1 },
          ],
        },
        {},
        {},
      ],
    });
    expect(jsonText(document)).toContain('/src/helper.h');
    expect(documentLines(document).join('\n')).toContain('/src/helper.h');
  });

  it('the completed dump names builds and versions of its modules', () => {
    const { minidump } = engrave(bytes, ['minidump']);
    const modules = Minidump.open(Buffer.concat(minidump ?? [])).modules;
    expect(modules).toMatchObject([{ base: APP, buildId: 'ab'.repeat(20), version: [1, 2, 0, 0] }]);
  });

  it('a dump cut at any place is engraved or refused, never worse', () => {
    const outputs = ['tombstone', 'minidump', 'backtrace', 'notification'] as const;
    let engraved = 0;
    for (let length = 0; length < bytes.length; length += 7) {
      try {
        engrave(bytes.subarray(0, length) as Buffer, outputs);
        engraved++;
      } catch (error) {
        expect(error).toBeInstanceOf(EngraveError);
      }
    }
    expect(engraved).toBeGreaterThan(0);
  });

  it('refuses what is no minidump, and CPUs that it does not know', () => {
    expect(() => openDump(Buffer.from('not a dump'))).toThrow(EngraveError);
    expect(() => openDump(buildDump({ arch: { ...openDump(bytes).arch, minidumpArch: 0x1234 } }))).toThrow(/4660/);
  });
});

describe('writeOutput', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'engraver-outputs-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('replaces what was there', () => {
    const path = join(dir, 'out');
    writeFileSync(path, 'something longer than what comes');
    const fd = openSync(path, 'r+');
    writeOutput(fd, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')]);
    closeSync(fd);
    expect(readFileSync(path, 'utf8')).toBe('one two');
  });

  it('says when nothing can be written', () => {
    const fd = openSync('/dev/null', 'r');
    expect(() => writeOutput(fd, [Buffer.from('x')])).toThrow(/EBADF/);
    closeSync(fd);
  });
});

describe('summarize', () => {
  it('is short: the daemon makes it a harmless line', () => {
    const long = 'x'.repeat(1000);
    const summary = summarize(
      7,
      report({
        signal: signal({ number: 6 }),
        threads: [thread({ frames: [frame({ functionName: `a\n${long}` }), frame()] }), thread({ frames: [frame()] })],
        softErrors: Array.from({ length: 100 }, () => ({ step: 's', message: `\u001b${long}` })),
      }),
      { unwind: 5 },
    );
    expect(summary).toMatchObject({
      type: 'engraved',
      id: 7,
      signal: '6 (SIGABRT)',
      threads: 2,
      frames: 3,
      micros: { unwind: 5 },
    });
    expect(summary.topFrame).toMatch(/^a\nx+\.\.\.$/);
    expect(summary.topFrame).toHaveLength(256);
    expect(summary.softErrors).toHaveLength(33);
    expect(summary.softErrors.at(-1)).toBe('68 more');
    expect(JSON.stringify(summary).length).toBeLessThan(128 * 1024);
  });

  it('says where the code lies when it has no name', () => {
    const top = (values: object) =>
      summarize(1, report({ threads: [thread({ frames: [frame(values)] })] }), {}).topFrame;
    expect(top({})).toBe('/usr/bin/app+0x1136');
    expect(top({ functionName: 'main' })).toBe('main+0 (/usr/bin/app)');
    expect(top({ mapName: null, relPc: 0xdead })).toBe('<unknown>+0xdead');
    expect(summarize(1, report({ threads: [], signal: null }), {})).toMatchObject({ topFrame: '', signal: '' });
  });
});
