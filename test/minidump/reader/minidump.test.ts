import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/bytes/byte-source.js';
import { MinidumpError } from '../../../src/minidump/format/error.js';
import { DEFAULT_LIMITS } from '../../../src/minidump/format/limits.js';
import { StreamType } from '../../../src/minidump/format/stream-types.js';
import { readContext } from '../../../src/minidump/reader/contexts.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { readAll, target } from '../../fuzz/targets/minidump.js';
import { DumpBuilder } from '../builder.js';
import { everyStream } from '../every-stream.js';

// Hundreds of thousands of errors are made here, and nobody looks at their stacks.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe.each(['little', 'big'] as const)('a %s-endian dump', (order) => {
  const file = everyStream(order);
  const dump = Minidump.open(file);
  const big = order === 'big';

  test('every stream is read', () => {
    expect(dump.littleEndian).toBe(!big);
    expect(dump.header).toMatchObject({ timestamp: 1_700_000_000, checksum: 0 });
    expect(dump.threads).toMatchObject([
      {
        tid: 7,
        suspendCount: 1,
        priorityClass: 2,
        priority: 3,
        teb: 0xfeedn,
        stack: { address: 0xbf000000, size: 16 },
      },
      { tid: 8, priority: -5, stack: null, context: null },
    ]);
    expect(dump.threadNames).toEqual(new Map([[7, 'main']]));
    expect(dump.threadInfo).toMatchObject([{ tid: 7, exitStatus: 0x103, createTime: 1n, affinity: 6n }]);
    expect(dump.modules).toMatchObject([
      {
        base: 0x10000,
        size: 0x2000,
        checksum: 0x11,
        timestamp: 0x22,
        name: '/bin/ü',
        version: [1, 2, 3, 4],
        buildId: '0102030405060708090a0b0c0d0e0f1011121314',
        debugId: '0403020106050807090A0B0C0D0E0F100',
      },
      {
        name: 'c:\\a.exe',
        cv: { kind: 'pdb70', guid: '0102030405060708090A0B0C0D0E0F10', age: 0x1f, file: 'a.pdb' },
        debugId: '0102030405060708090A0B0C0D0E0F101f',
        buildId: null,
      },
      { name: 'old.dll', cv: { kind: 'pdb20', timestamp: 0x3ad3, age: 2, file: 'old.pdb' }, debugId: '00003AD32' },
    ]);
    expect(dump.unloadedModules).toEqual([{ base: 0x60000, size: 0x1000, checksum: 1, timestamp: 2, name: 'gone.so' }]);
    expect(dump.memoryList?.map(({ address, size }) => [address, size])).toEqual([
      [0xbf000000, 16],
      [0x5000, 5],
    ]);
    expect(dump.memory64List?.map(({ address, size }) => [address, size])).toEqual([
      [0x9000, 4],
      [0xa000, 3],
    ]);
    expect(dump.exception).toMatchObject({
      tid: 7,
      code: 11,
      flags: 1,
      address: 0xdead_beef_1234_5678n,
      parameters: [0x77n, 0x88n],
    });
    expect(dump.systemInfo).toMatchObject({
      architectureName: big ? 'ppc' : 'x86',
      level: 6,
      revision: 0x102,
      cpuCount: 4,
      productType: 1,
      majorVersion: 1,
      minorVersion: 2,
      buildNumber: 3,
      platformName: 'linux',
      osText: 'Linux 1.2',
      cpuVendor: big ? null : 'GenuineIntel',
    });
    expect(dump.miscInfo).toEqual({
      size: 1364,
      flags: 0x3f7,
      pid: 77,
      times: { createTime: 1_600_000_000, userTime: 5, kernelTime: 6 },
      power: { maxMhz: 3000, currentMhz: 2000, mhzLimit: 2500, maxIdleState: 3, currentIdleState: 4 },
      integrityLevel: 1,
      executeFlags: 2,
      protectedProcess: 3,
      timeZone: { id: 2, bias: -60, standardName: 'CET', standardBias: 0, daylightName: 'CEST', daylightBias: -60 },
      buildString: 'build 1',
      debugBuildString: 'debug 2',
      xstateFeatures: 7n,
      processCookie: 0xc00c1e,
    });
    expect(dump.memoryInfo).toEqual([
      {
        base: 0x5000,
        allocationBase: 0x5000,
        allocationProtection: 4,
        size: 0x1000,
        state: 0x1000,
        protection: 4,
        type: 0x20000,
      },
    ]);
    expect(dump.handles).toEqual([
      {
        handle: 3,
        typeName: 'File',
        objectName: '/tmp/f',
        attributes: 0x81a4,
        grantedAccess: 5,
        handleCount: 6,
        pointerCount: 7,
      },
    ]);
    expect(dump.breakpadInfo).toEqual({ dumpTid: 8, requestingTid: 7 });
    expect(dump.assertionInfo).toEqual({ expression: 'x > 0', function: 'check', file: 'a.c', line: 42, type: 1 });
    expect(dump.crashpadInfo).toEqual({
      version: 1,
      reportId: '0'.repeat(32),
      clientId: big ? `01${'0'.repeat(30)}` : `00000001${'0'.repeat(24)}`,
      simpleAnnotations: [['schlüssel', 'wert']],
      modules: [
        {
          moduleIndex: 0,
          listAnnotations: ['wert'],
          simpleAnnotations: [['schlüssel', 'wert']],
          annotationObjects: [{ name: 'schlüssel', type: 1, value: Buffer.from('wert') }],
        },
      ],
      addressMask: 0x7fffffn,
    });
    expect(dump.commandLine).toEqual(['prog', 'arg']);
    expect(dump.environment).toEqual(['A=1', 'B=2']);
    expect(dump.auxv).toEqual([
      { type: 9, value: 0x10040n },
      { type: 6, value: 4096n },
    ]);
    expect(dump.maps).toMatchObject([{ start: 0x10000, end: 0x12000, perms: 'r-xp', name: '/bin/x' }]);
    expect(dump.dsoDebug).toMatchObject({
      version: 1,
      brk: 0x20,
      loaderBase: 0x30,
      dynamic: 0x40,
      linkMap: [{ address: 0x10000, dynamic: 0x10f00, name: '/lib/l.so' }],
    });
    expect(dump.text(StreamType.linuxCpuInfo)).toBe('processor\t: 0\n');
    expect(dump.text(StreamType.mozLinuxLimits)).toBe('Limit  Soft  Hard\n');
    expect(dump.comments).toEqual(['a comment', 'wide comment']);
    expect(dump.info).toMatchObject({ kind: 'crash', pid: 7 });
    expect(dump.siginfo).toHaveLength(128);
    expect(dump.abortMessage).toBe('oh no');
    expect(dump.softErrors).toEqual([{ step: 'stack', message: 'gone' }]);
    expect(dump.logTails).toEqual([{ name: 'main', lines: ['a', 'b'] }]);
    expect([...dump.rawRegisters!.keys()]).toEqual([7]);
    expect(dump.reportJson).toEqual({ frames: [] });
    expect(dump.stream(0x12345678)).toEqual(Buffer.from([1, 2, 3]));
    expect(dump.stream(0x9999)).toBeNull();
    expect(dump.problems).toEqual([]);
    expect(readAll(Minidump.open(file)).size).toBe(0);
  });

  test('contexts are named values', () => {
    const bytes = dump.threadContext(dump.threads![0]!)!;
    const context = readContext('context', bytes, dump.systemInfo!.architecture, dump.littleEndian);
    expect(context.cpu).toBe(big ? 'ppc' : 'x86');
    if (big) expect(context.pc).toBe(0xabcdn);
  });

  test('memory is one, from all lists', () => {
    const at = (address: number, size: number) => {
      const bytes = Buffer.alloc(size);
      return bytes.subarray(0, dump.memory.read(address, bytes));
    };
    expect(at(0xbf000000, 5).toString()).toBe('stack');
    expect([...at(0x5003, 10)]).toEqual([4, 5]);
    expect([...at(0x9000, 4)]).toEqual([11, 12, 13, 14]);
    expect([...at(0xa001, 4)]).toEqual([16, 17]);
    expect(at(0x8fff, 4)).toHaveLength(0);
    expect(at(Number.NaN, 4)).toHaveLength(0);
    expect(at(-1, 4)).toHaveLength(0);
  });

  test('cut at every byte: an error of ours, or what is left is read', () => {
    for (let length = 0; length < file.length; length++) target(file.subarray(0, length));
  });

  test('a cut file names what it lacks and gives the rest', () => {
    const cut = Minidump.open(file.subarray(0, dump.entry(StreamType.exception)!.rva + 10));
    expect(cut.threads).toHaveLength(2);
    expect(() => cut.exception).toThrow(/^exception: needs 168 bytes at 0x[0-9a-f]+, 10 remain$/);
    expect(() => cut.systemInfo).toThrow(MinidumpError);
    expect(cut.memory.read(0x5000, new Uint8Array(5))).toBe(5);
    expect(cut.memory.read(0x9000, new Uint8Array(5))).toBe(0);
  });

  test.each([0xffffffff, 0x7fffffff, 0x10000, 1, 0])('each u32 of the file said to be %i', (value) => {
    const changed = Buffer.from(file);
    for (let at = 8; at + 4 <= file.length; at += 4) {
      changed.fill(file.subarray(at, at + 4), at, at + 4);
      if (big) changed.writeUInt32BE(value, at);
      else changed.writeUInt32LE(value, at);
      target(changed);
      file.copy(changed, at, at, at + 4);
    }
  });

  test('read through a source that gives copies, and one that gives less than it says', () => {
    const source = (bytes: Uint8Array, size: number): ByteSource => ({
      size,
      bytes: (offset, length) => Uint8Array.from(bytes.subarray(offset, offset + length)),
    });
    const copied = Minidump.open(source(file, file.length));
    expect(readAll(copied).size).toBe(0);
    expect(copied.modules).toEqual(
      Minidump.open(file).modules?.map((module) => ({
        ...module,
        cv: expect.objectContaining({ kind: module.cv!.kind }),
      })),
    );
    const short = Minidump.open(source(file.subarray(0, 900), file.length));
    expect(readAll(short).size).toBeGreaterThan(10);
  });
});

describe('what is no minidump', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'header: needs 32 bytes at 0x0, 0 remain'],
    ['zeros', Buffer.alloc(64), 'header: signature is 0x0, not that of a minidump'],
    [
      'another version',
      Buffer.from(new DumpBuilder().finish()).fill(0, 4, 8),
      'header: version is 0x0, its low half should be 0xa793',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => Minidump.open(bytes)).toThrow(message);
  });

  test('more streams than the limit', () => {
    const file = Buffer.from(new DumpBuilder().finish());
    file.writeUInt32LE(5000, 8);
    expect(() => Minidump.open(file)).toThrow('directory: says 5000 streams, the limit is 1024');
  });
});

describe('lists', () => {
  test('four bytes of padding before the entries are skipped', () => {
    const file = new DumpBuilder()
      .stream(StreamType.memoryList, (s) => s.u32(1, 0xffffffff).u64(0x1000).at('memory'))
      .data('memory', (s) => s.u8(1, 2))
      .finish();
    expect(Minidump.open(file).memoryList).toMatchObject([{ address: 0x1000, size: 2 }]);
  });

  test('a count beyond the stream names both', () => {
    const file = new DumpBuilder().stream(StreamType.threadList, (s) => s.u32(5).zeros(96)).finish();
    const dump = Minidump.open(file);
    expect(() => dump.threads).toThrow('thread list: 5 threads need 240 bytes, 96 remain');
    expect(() => dump.threads).toThrow(MinidumpError);
    expect(dump.memory.regions).toEqual([]);
  });

  test('longer entries of a later version are stepped over', () => {
    const file = new DumpBuilder()
      .stream(StreamType.memoryInfoList, (s) =>
        s.u32(24, 56).u64(2).zeros(8).u64(0x1000, 0x1000).zeros(40).u64(0x2000, 0x2000).zeros(40),
      )
      .finish();
    expect(Minidump.open(file).memoryInfo?.map(({ base }) => base)).toEqual([0x1000, 0x2000]);
  });

  test('limits are the caller’s', () => {
    const file = new DumpBuilder().stream(StreamType.threadList, (s) => s.u32(2).zeros(96)).finish();
    const dump = Minidump.open(file, { ...DEFAULT_LIMITS, threads: 1 });
    expect(() => dump.threads).toThrow('thread list: says 2 threads, the limit is 1');
  });

  test('a broken detail is a problem, not an error', () => {
    const file = new DumpBuilder()
      .stream(StreamType.threadNames, (s) => s.u32(2, 5).u64(0xffffff).u32(6).rva64('n'))
      .text('n', 'ok')
      .finish();
    const dump = Minidump.open(file);
    expect(dump.threadNames).toEqual(new Map([[6, 'ok']]));
    expect(dump.problems.map(({ part }) => part)).toEqual(['name of thread 5']);
  });

  test.each(['', '0x7f', '7f000000000000000', '7g', '-1'])('pac mask %j', (pacMask) => {
    const whole = {
      version: 1,
      kind: 'crash',
      pid: 7,
      tid: 7,
      uid: 1,
      gid: 2,
      originalSiCode: 1,
      abortMessageAddress: 0,
    };
    const rest = { fingerprint: 'f', revision: 'r', utcOffsetMinutes: 0, timeMs: 1, signalStop: true, pacMask };
    const file = new DumpBuilder()
      .stream(StreamType.debuggerdInfo, (s) => s.raw(Buffer.from(JSON.stringify({ ...whole, ...rest }))))
      .finish();
    const dump = Minidump.open(file);
    expect(() => dump.info).toThrow('debuggerd info: pacMask is not a hexadecimal number');
  });

  test('JSON of another shape is refused by field', () => {
    const file = new DumpBuilder()
      .stream(StreamType.debuggerdInfo, (s) => s.raw(Buffer.from('{"version":1,"kind":"party"}')))
      .stream(StreamType.debuggerdSoftErrors, (s) => s.raw(Buffer.from('{"step":1}')))
      .stream(StreamType.debuggerdLogTails, (s) => s.raw(Buffer.from('[{"name":"x","lines":[1]}]')))
      .stream(StreamType.debuggerdReport, (s) => s.raw(Buffer.from('{')))
      .finish();
    const dump = Minidump.open(file);
    expect(() => dump.info).toThrow('debuggerd info: kind is none of crash, tombstone, backtrace');
    expect(() => dump.softErrors).toThrow('debuggerd soft errors: is not a JSON array');
    expect(() => dump.logTails).toThrow('debuggerd log tails: lines has an entry that is not a string');
    expect(() => dump.reportJson).toThrow('debuggerd report: is not JSON');
  });
});
