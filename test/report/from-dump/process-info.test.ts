/** What a dump says, before anything is unwound: signal, process, mappings, registers. */
import { describe, expect, it } from 'vitest';
import { arm64 } from '../../../src/arch/arm64.js';
import { x86_64 } from '../../../src/arch/x86_64.js';
import { StreamType } from '../../../src/minidump/format/stream-types.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { mappingsOf } from '../../../src/report/from-dump/mappings.js';
import { archOf, reportedProcess } from '../../../src/report/from-dump/process-info.js';
import { contextOf, registerFile } from '../../../src/report/from-dump/register-file.js';
import { signalOf } from '../../../src/report/from-dump/signal-info.js';
import { APP, buildDump, context, type DumpSpec, INFO, MAPS, STACK, siginfo } from '../../engraver/build-dump.js';

const open = (spec: DumpSpec = {}) => Minidump.open(buildDump(spec));

describe('signalOf', () => {
  it('takes number, address and sender from the kernel, the code from the client', () => {
    const dump = open({ siginfo: siginfo(11, 2, { address: 0xffffffffffffffffn }), info: { originalSiCode: 1 } });
    expect(signalOf(dump)).toEqual({
      number: 11,
      code: 1,
      faultAddress: 0xffffffffffffffffn,
      senderPid: null,
      senderUid: null,
    });
  });

  it('a signal that a process sent has a sender and no address', () => {
    const dump = open({ siginfo: siginfo(11, 0, { pid: 77, uid: 1000 }), info: { originalSiCode: 0 } });
    expect(signalOf(dump)).toEqual({ number: 11, code: 0, faultAddress: null, senderPid: 77, senderUid: 1000 });
  });

  it('a re-raise that lost the address shows none, whatever the client saw first', () => {
    const dump = open({ siginfo: siginfo(11, -6, { pid: 100, uid: 0 }), info: { originalSiCode: 1 } });
    expect(signalOf(dump)).toMatchObject({ code: 1, faultAddress: null });
  });

  it('signals without an address have none', () => {
    expect(
      signalOf(open({ siginfo: siginfo(6, -6, { pid: 100 }), info: { originalSiCode: -6 } }))?.faultAddress,
    ).toBeNull();
    expect(signalOf(open({ siginfo: siginfo(31, 1, { address: 1n }) }))?.faultAddress).toBeNull();
  });

  it('falls back to the exception stream, with si_code signed', () => {
    expect(signalOf(open())).toMatchObject({ number: 11, faultAddress: 0xdeadn });
    expect(signalOf(open({ info: null, exception: { code: 6, flags: 0xfffffffa } }))).toMatchObject({
      number: 6,
      code: -6,
    });
    expect(signalOf(open({ siginfo: siginfo(0, 0, {}) }))).toMatchObject({ number: 11 });
    expect(signalOf(open({ siginfo: new Uint8Array(127) }))).toMatchObject({ number: 11 });
  });

  it.each(['tombstone', 'backtrace'] as const)('an asked-for %s stopped its target', (kind) => {
    expect(signalOf(open({ info: { kind }, exception: null }))).toMatchObject({
      number: 19,
      code: 0,
      faultAddress: null,
    });
  });

  it('knows requested dumps of other writers, and what is no signal', () => {
    expect(signalOf(open({ info: null, exception: { code: 0xffffffff, flags: 0 } }))).toMatchObject({ number: 19 });
    expect(signalOf(open({ info: null, exception: { code: 0xc0000005, flags: 0 } }))).toBeNull();
    expect(signalOf(open({ exception: null }))).toBeNull();
  });
});

describe('reportedProcess', () => {
  it('come from our info stream', () => {
    expect(reportedProcess(open())).toMatchObject({
      kind: 'crash',
      pid: 100,
      tid: 100,
      uid: 1000,
      fingerprint: 'Test Linux 1',
      revision: '6.1.0',
      timeMs: INFO.timeMs,
      utcOffsetMinutes: 120,
    });
  });

  it('of other writers come from what they leave', () => {
    const text = (value: string) => Buffer.from(value);
    const facts = reportedProcess(
      open({
        info: null,
        exception: { tid: 102, code: 11, flags: 1 },
        threads: [{ tid: 101 }, { tid: 102 }],
        streams: [
          { type: StreamType.linuxProcStatus, bytes: text('Name:\tapp\nTgid:\t101\nUid:\t1000\t1000\t1000\t1000\n') },
          { type: StreamType.linuxLsbRelease, bytes: text('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n') },
        ],
      }),
    );
    expect(facts).toMatchObject({
      kind: 'crash',
      pid: 101,
      uid: 1000,
      tid: 102,
      fingerprint: 'Debian GNU/Linux 12',
      revision: '6.1.0',
      timeMs: INFO.timeMs,
      utcOffsetMinutes: 0,
    });
  });

  it('a broken info stream is as good as none', () => {
    const dump = open({
      info: null,
      streams: [{ type: StreamType.debuggerdInfo, bytes: Buffer.from('{"version":1}') }],
    });
    expect(reportedProcess(dump)).toMatchObject({ pid: 100, fingerprint: 'unknown' });
    expect(dump.problems).not.toHaveLength(0);
  });

  it('knows the CPU', () => {
    expect(archOf(open())).toBe(x86_64);
    expect(archOf(open({ arch: { ...x86_64, minidumpArch: 0x1234 } }))).toBeNull();
  });
});

describe('mappingsOf', () => {
  it('reads every line, the one above 2^53 too', () => {
    const mappings = mappingsOf(open());
    expect(mappings.map(({ start, end, prot, name }) => [start, end, prot, name])).toEqual([
      [APP, APP + 0x2000, 5, '/usr/bin/app'],
      [APP + 0x2000, APP + 0x3000, 3, '/usr/bin/app'],
      [STACK, STACK + 0x1000, 3, '[stack]'],
      [0xffffffffff600000, 0xffffffffff601000, 4, '[vsyscall]'],
    ]);
    expect(mappings[0]).toMatchObject({ device: 'fd:01', inode: 42, offset: 0, perms: 'r-xp' });
  });

  it('takes only the last line for the kernel mapping, and only a whole one', () => {
    const lines = MAPS.split('\n');
    for (const text of [MAPS.slice(0, -1), [lines[3], lines[0], ''].join('\n')]) {
      expect(mappingsOf(open({ maps: text })).some(({ name }) => name === '[vsyscall]')).toBe(false);
    }
  });

  it('makes mappings of modules where there are no maps', () => {
    const modules = [
      { base: 0x7f0000000000, size: 0x2000, name: '/lib/libc.so.6' },
      { base: APP, size: 0x1000, name: '/usr/bin/app' },
      { base: APP + 0x800, size: 0x1000, name: 'overlapping' },
      { base: 0x500000, size: 0, name: 'empty' },
    ];
    expect(
      mappingsOf(open({ maps: null, modules })).map(({ start, end, name, perms }) => [start, end, name, perms]),
    ).toEqual([
      [APP, APP + 0x1000, '/usr/bin/app', 'r-xp'],
      [0x7f0000000000, 0x7f0000002000, '/lib/libc.so.6', 'r-xp'],
    ]);
  });

  it('is empty without either', () => {
    expect(mappingsOf(open({ maps: null }))).toEqual([]);
  });
});

describe('registerFile', () => {
  const value = (file: Uint8Array | null, arch: typeof x86_64, name: string) =>
    file &&
    new DataView(file.buffer).getBigUint64(8 * arch.registers.findIndex((register) => register.name === name), true);

  it('prefers the kernel set to the context', () => {
    const raw = new Uint8Array(x86_64.prstatusSize);
    new DataView(raw.buffer).setBigUint64(80, 0xffffffff12345678n, true);
    const bytes = context(x86_64, { rax: 1n, cs: 0x33n });
    expect(value(registerFile(x86_64, raw, bytes), x86_64, 'rax')).toBe(0xffffffff12345678n);
    expect(value(registerFile(x86_64, null, bytes), x86_64, 'rax')).toBe(1n);
    expect(value(registerFile(x86_64, null, bytes), x86_64, 'cs')).toBe(0x33n);
    expect(value(registerFile(x86_64, raw.subarray(1), bytes), x86_64, 'rax')).toBe(1n);
    expect(registerFile(x86_64, null, null)).toBeNull();
  });

  it('a context that is too short is none; a longer one (XSAVE) is cut', () => {
    expect(contextOf(x86_64, new Uint8Array(1231))).toBeNull();
    const long = new Uint8Array(4000);
    new DataView(long.buffer).setUint32(48, 0x10000b, true);
    expect(contextOf(x86_64, long)).toHaveLength(1232);
    // Of another CPU by its flags.
    new DataView(long.buffer).setUint32(48, 0x400000, true);
    expect(contextOf(x86_64, long)).toBeNull();
  });

  it("reads the arm64 context of Breakpad's client", () => {
    const old = new Uint8Array(796);
    const view = new DataView(old.buffer);
    view.setBigUint64(0, 0x80000006n, true);
    for (let i = 0; i < 33; i++) view.setBigUint64(8 + 8 * i, BigInt(0x1000 + i), true);
    view.setUint32(272, 0x60000000, true);
    view.setUint32(276, 0x11, true);
    view.setUint32(280, 0x22, true);
    view.setBigUint64(284 + 16 * 31, 0x31n, true);
    const bytes = contextOf(arm64, old);
    const file = registerFile(arm64, null, bytes);
    expect(value(file, arm64, 'x0')).toBe(0x1000n);
    expect(value(file, arm64, 'pc')).toBe(0x1020n);
    expect(value(file, arm64, 'pstate')).toBe(0x60000000n);
    const now = new DataView(bytes!.buffer, bytes!.byteOffset);
    expect([now.getUint32(784, true), now.getUint32(788, true)]).toEqual([0x22, 0x11]);
    expect(now.getBigUint64(272 + 16 * 31, true)).toBe(0x31n);
  });
});
