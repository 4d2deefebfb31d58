import { describe, expect, it } from 'vitest';
import { MinidumpError } from '../../../src/minidump/format/error.js';
import { decodeUnwoundReport, encodeUnwoundReport } from '../../../src/report/from-dump/unwound-report.js';
import { frame, map, report, thread } from '../build-report.js';

const value = report({
  threads: [
    thread({
      frames: [
        frame({ functionName: 'main', functionOffset: 10, buildId: 'abcd', trust: 'context' }),
        frame({ mapName: '/data/base.apk!lib.so', mapStart: 0x7f0000000000, elfOffset: 0x1000, trust: 'signal' }),
        frame({
          mapName: '',
          mapStart: 0x5000,
          trust: 'fp',
          source: { file: 'a.c', line: 3 },
          knownRegisters: ['rip'],
        }),
        frame({
          mapName: null,
          mapStart: 0,
          pc: Number(0x4141414141414141n),
          relPc: Number(0x4141414141414141n),
          exact: { pc: 0x4141414141414141n, sp: 0x7ffe0000n, relPc: 0x4141414141414141n },
          trust: 'scan',
          inlined: [{ name: 'f', source: null }],
        }),
      ],
    }),
    thread({ tid: 101, unwindError: 'registers could not be read' }),
  ],
  maps: [map({ buildId: 'abcd', loadBias: 0x1000 }), map({ start: 0x5000, name: '' })],
});
const names = new Map([[0x401136, { name: 'main', offset: 10 }]]);
const json = () => JSON.parse(Buffer.from(encodeUnwoundReport(value, names)!).toString());

describe('the unwound report', () => {
  it('comes back as it was', () => {
    const decoded = decodeUnwoundReport(json());
    expect(decoded?.threads.get(100)).toEqual({ frames: value.threads[0]?.frames, error: null });
    expect(decoded?.threads.get(101)).toEqual({ frames: [], error: 'registers could not be read' });
    expect(decoded?.maps).toEqual(new Map([[0x400000, { buildId: 'abcd', loadBias: 0x1000 }]]));
    expect(decoded?.names).toEqual(names);
  });

  it('keeps what is left out of a stack, and refuses what cannot be', () => {
    const deep = report({ threads: [thread({ frames: [frame(), frame()], gap: { after: 1, count: 30_000 } })] });
    const parsed = JSON.parse(Buffer.from(encodeUnwoundReport(deep, names)!).toString());
    expect(parsed.threads[0].leftOut).toEqual({ after: 1, count: 30_000 });
    expect(decodeUnwoundReport(parsed)?.threads.get(deep.threads[0]!.tid)?.gap).toEqual({ after: 1, count: 30_000 });
    for (const leftOut of [
      { after: 3, count: 1 },
      { after: -1, count: 1 },
      { after: 0, count: 0 },
    ]) {
      parsed.threads[0].leftOut = leftOut;
      expect(() => decodeUnwoundReport(parsed)).toThrow('leftOut names no frames');
    }
  });

  it('has the documented shape', () => {
    expect(json()).toEqual({
      version: 1,
      modules: [
        { name: '/usr/bin/app', start: 0x400000, buildId: 'abcd' },
        { name: '/data/base.apk!lib.so', start: 0x7f0000000000, elfOffset: 0x1000 },
        { name: '', start: 0x5000 },
      ],
      threads: [
        {
          tid: 100,
          frames: [
            { pc: 0x401136, sp: 0x7ffe0000, relPc: 0x1136, module: 0, function: 'main', offset: 10, trust: 'context' },
            { pc: 0x401136, sp: 0x7ffe0000, relPc: 0x1136, module: 1, trust: 'signal' },
            { pc: 0x401136, sp: 0x7ffe0000, relPc: 0x1136, module: 2, trust: 'fp', file: 'a.c', line: 3, registers: 0 },
            {
              pc: '0x4141414141414141',
              sp: 0x7ffe0000,
              relPc: '0x4141414141414141',
              trust: 'scan',
              inlined: [{ function: 'f' }],
            },
          ],
        },
        { tid: 101, error: 'registers could not be read', frames: [] },
      ],
      registerSets: [['rip']],
      maps: [{ start: 0x400000, buildId: 'abcd', loadBias: 0x1000 }],
      functions: [{ address: 0x401136, function: 'main', offset: 10 }],
    });
  });

  it('loses the frames of the last threads first where it may not be longer', () => {
    const many = report({ threads: Array.from({ length: 100 }, (_, i) => thread({ tid: 100 + i })) });
    const whole = encodeUnwoundReport(many, names)!;
    expect(encodeUnwoundReport(many, names, whole.length)).toEqual(whole);
    for (const limit of [whole.length - 1, whole.length / 2, whole.length / 10]) {
      const cut = encodeUnwoundReport(many, names, limit)!;
      expect(cut.length).toBeLessThanOrEqual(limit);
      const tids = [...decodeUnwoundReport(JSON.parse(Buffer.from(cut).toString()))!.threads.keys()];
      expect(tids).toEqual(tids.map((_, i) => 100 + i));
      expect(tids.length).toBeGreaterThan(0);
    }
    expect(encodeUnwoundReport(many, names, 10)).toBeNull();
  });

  it('is null when absent or of a later version', () => {
    expect(decodeUnwoundReport(null)).toBeNull();
    expect(decodeUnwoundReport({ ...json(), version: 2 })).toBeNull();
  });

  it('needs no field but the version', () => {
    expect(decodeUnwoundReport({ version: 1 })?.threads.size).toBe(0);
  });

  it('refuses every field of another type, naming it', () => {
    const wrong: unknown[] = ['x', -1, 0.5, 2 ** 64, null, [], {}, true];
    const mutate = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const holder = node as Record<string, unknown>;
      for (const key of Object.keys(holder)) {
        const old = holder[key];
        for (const bad of wrong) {
          holder[key] = bad;
          try {
            decodeUnwoundReport(root);
          } catch (error) {
            expect(error, `${path}.${key} = ${JSON.stringify(bad)}`).toBeInstanceOf(MinidumpError);
          }
        }
        holder[key] = old;
        mutate(old, `${path}.${key}`);
      }
    };
    const root = json();
    mutate(root, '');
    for (const [field, bad] of [
      ['threads', {}],
      ['threads', [{ tid: 'x' }]],
      ['threads', [{ tid: 1, frames: [{ pc: -1, sp: 0, relPc: 0, trust: 'cfi' }] }]],
      ['threads', [{ tid: 1, frames: [{ pc: 0, sp: 0, relPc: 0, trust: 'hope' }] }]],
      ['modules', [{ name: 1, start: 0 }]],
      ['maps', [{ start: null }]],
      ['functions', [{ address: 0, function: 5 }]],
    ] as const) {
      expect(() => decodeUnwoundReport({ ...json(), [field]: bad }), field).toThrow(MinidumpError);
    }
  });

  it('takes no build id that is not hex: it is printed as it is', () => {
    const decoded = decodeUnwoundReport({ version: 1, maps: [{ start: 0, buildId: 'zz\n' }] });
    expect(decoded?.maps.get(0)?.buildId).toBeNull();
  });

  it('a frame of a module that is not there lies in no mapping', () => {
    const frames = [{ pc: 1, sp: 2, relPc: 3, module: 99, trust: 'cfi' }];
    expect(
      decodeUnwoundReport({ version: 1, threads: [{ tid: 1, frames }] })?.threads.get(1)?.frames[0]?.mapName,
    ).toBeNull();
  });
});
