/** Dumps that a crashing process has bent: whatever it wrote, a job ends, with a report or with a reason. */
import { describe, expect, it } from 'vitest';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { engraveMinidump } from '../../src/report/from-dump/engrave.js';
import { EngraveError, openDump } from '../../src/report/from-dump/opened-dump.js';
import { StackUnwinder } from '../../src/report/from-dump/stack-unwinder.js';
import type { SymbolProvider } from '../../src/symbols/provider.js';
import { APP, buildDump, type DumpSpec, MAPS, STACK } from './build-dump.js';
import { tinyElf } from './build-elf.js';

const naming: SymbolProvider = { symbols: () => ({ functionAt: () => null }), demangle: (name) => name };
const OUTPUTS = ['tombstone', 'minidump', 'backtrace', 'notification'] as const;

/** Engraves with the real unwinder and no files; null where the dump is refused. */
function engrave(bytes: Buffer) {
  try {
    const opened = openDump(bytes);
    const softErrors: { step: string; message: string }[] = [];
    const unwinder = new StackUnwinder(opened, { files: { file: () => null }, naming, softErrors });
    return engraveMinidump(bytes, opened, unwinder, OUTPUTS);
  } catch (error) {
    expect(error).toBeInstanceOf(EngraveError);
    return null;
  }
}

const stack = Buffer.alloc(0x800);
for (let at = 0; at < stack.length; at += 8) stack.writeBigUInt64LE(BigInt(APP + at), at);
const spec: DumpSpec = {
  threads: [
    {
      tid: 100,
      name: 'app',
      registers: { rip: BigInt(APP + 0x200), rsp: BigInt(STACK + 0x100), rbp: BigInt(STACK + 0x180), rax: BigInt(APP) },
      stack: { address: STACK, bytes: stack },
    },
    { tid: 101, registers: { rip: 0n, rsp: 0n } },
  ],
  memory: [{ address: APP, bytes: tinyElf(new Uint8Array(20).fill(7), 0x1000) }],
  modules: [{ base: APP, size: 0x3000, name: '/usr/bin/app' }],
  abortMessage: 'x',
  streams: [
    { type: StreamType.debuggerdPerfMap, bytes: Buffer.from('400000 100 compiled\n') },
    { type: StreamType.debuggerdLogTails, bytes: Buffer.from('[{"name":"main","lines":["a"]}]') },
  ],
};

/** A small generator with a seed, so that a failure can be had again (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a bent dump', () => {
  const whole = buildDump(spec);

  it('unbent, is engraved with the identity of its image', () => {
    expect(engrave(whole)?.texts.tombstone).toContain(`/usr/bin/app (BuildId: ${'07'.repeat(20)})`);
  });

  it('with bytes changed at random ends in a report or a reason', () => {
    let engraved = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const next = random(seed);
      const bytes = Buffer.from(whole);
      for (let i = 0; i < 1 + (seed % 16); i++) {
        const at = Math.floor(next() * (next() < 0.5 ? 600 : bytes.length));
        bytes[at] = next() < 0.3 ? 0xff : Math.floor(next() * 256);
      }
      if (engrave(bytes) !== null) engraved++;
    }
    expect(engraved).toBeGreaterThan(50);
  });

  it('cut at any of many places ends in a report or a reason', () => {
    for (let length = 0; length < whole.length; length += 331) engrave(whole.subarray(0, length));
  });

  it.each([
    ['endless', 'x'.repeat(100_000)],
    ['of nothing but newlines', '\n'.repeat(1000)],
    ['binary', '\0\xff\x80'.repeat(1000)],
    ['overlapping', MAPS + MAPS],
    [
      'of thousands of mappings',
      Array.from(
        { length: 5000 },
        (_, i) =>
          `${(0x10000 + i * 0x2000).toString(16)}-${(0x11000 + i * 0x2000).toString(16)} r--p 00000000 fd:01 ${i} /f${i}\n`,
      ).join(''),
    ],
  ])('with maps that are %s', (_, maps) => {
    expect(engrave(buildDump({ ...spec, maps }))?.texts.tombstone).toContain('pid: 100');
  });

  it.each([
    ['registers of all ones', { rip: 2n ** 64n - 1n, rsp: 2n ** 64n - 1n, rbp: 2n ** 64n - 1n, rax: 2n ** 64n - 1n }],
    ['a stack pointer at the end of its stack', { rip: BigInt(APP + 0x200), rsp: BigInt(STACK + 0x7f8) }],
    [
      'a stack pointer that is not aligned',
      { rip: BigInt(APP + 0x200), rsp: BigInt(STACK + 3), rbp: BigInt(STACK + 5) },
    ],
    ['a frame pointer that points to itself', { rip: BigInt(APP + 0x200), rsp: BigInt(STACK), rbp: BigInt(STACK + 8) }],
  ])('with %s', (_, registers) => {
    const made = engrave(
      buildDump({ ...spec, threads: [{ tid: 100, registers, stack: { address: STACK, bytes: stack } }] }),
    );
    expect(made?.report.threads[0]?.frames.length).toBeGreaterThan(0);
    expect(made?.report.threads[0]?.frames.length).toBeLessThanOrEqual(1024);
  });

  it('that claims another’s pid, tid or time is told as it claims', () => {
    const info = { pid: -1, tid: 2 ** 40, timeMs: 2 ** 53 - 1, utcOffsetMinutes: -(2 ** 50) };
    expect(engrave(buildDump({ ...spec, info }))?.texts.backtrace).toContain(
      '----- pid -1 at 1970-01-01 00:00:00 -----',
    );
  });
});
