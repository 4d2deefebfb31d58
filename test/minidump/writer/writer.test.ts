import { describe, expect, test } from 'vitest';
import { StreamType } from '../../../src/minidump/format/stream-types.js';
import { DUMP_REQUESTED, MISC_INFO_4_SIZE } from '../../../src/minidump/format/structs.js';
import { Platform, ProcessorArchitecture } from '../../../src/minidump/format/system.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { encodeRawRegisters } from '../../../src/minidump/reader/raw-registers.js';
import { type DumpInfo, encodeJson } from '../../../src/minidump/reader/vendor.js';
import { completeMinidump } from '../../../src/minidump/writer/complete.js';
import { MinidumpWriter } from '../../../src/minidump/writer/writer.js';

const info: DumpInfo = {
  version: 1,
  kind: 'crash',
  pid: 100,
  tid: 101,
  uid: 1000,
  gid: 1001,
  originalSiCode: 1,
  abortMessageAddress: 0x7f0000001000,
  fingerprint: 'a/b:c',
  revision: '0',
  utcOffsetMinutes: 60,
  timeMs: 1_700_000_000_123,
  signalStop: true,
  pacMask: '7f000000000000',
};

function filled(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) & 0xff);
}

const context = filled(1232, 1);
const stack = filled(4099, 2);
const buildId = filled(20, 3);

function sample(): MinidumpWriter {
  const writer = new MinidumpWriter(1_700_000_000.9);
  writer.addThread({ tid: 101, context, stack: { address: 0x7ffd0000, bytes: stack }, priority: -5 });
  writer.addThread({ tid: 100, context: null, stack: null });
  writer.addThreadName(101, 'worker/7 ü');
  writer.addModule({ base: 0x400000, size: 0x3000, name: '/usr/bin/prog', buildId, version: [1, 2, 3, 4] });
  writer.addModule({ base: 0x7f0000000000, size: 0x1000, name: 'linux-gate.so' });
  writer.addUnloadedModule({ base: 0x500000, size: 0x2000, name: '/lib/gone.so' });
  writer.addMemory(0x7ffd0000 - 16, filled(32, 9));
  writer.addMemory(0x1000, filled(10, 4));
  writer.addHandle({ handle: 3, typeName: 'File', objectName: '/tmp/x', attributes: 0o100644 });
  writer.addHandle({ handle: 4 });
  writer.setException({
    tid: 101,
    code: 11,
    flags: -6,
    address: 0xdead_beef_dead_beefn,
    parameters: [1n, 2n ** 64n - 1n],
  });
  writer.setSystem({
    architecture: ProcessorArchitecture.amd64,
    level: 6,
    revision: 0x8f02,
    cpuCount: 300,
    platform: Platform.linux,
    osText: 'Linux 6.1.0 #1 SMP x86_64',
    cpu: Buffer.from('GenuineIntel'),
  });
  writer.setMisc({
    pid: 100,
    times: { createTime: 1_600_000_000, userTime: 7, kernelTime: 8 },
    utcOffsetMinutes: 90,
    buildString: 'Debian 13',
  });
  writer.setMemoryInfo([
    {
      base: 0x400000,
      allocationBase: 0x400000,
      allocationProtection: 2,
      size: 4096,
      state: 0x1000,
      protection: 2,
      type: 0x40000,
    },
  ]);
  writer.addStream(StreamType.linuxCmdline, Buffer.from('prog\0-x\0'));
  writer.addStream(StreamType.debuggerdInfo, encodeJson(info));
  writer.addStream(StreamType.debuggerdRawRegisters, encodeRawRegisters([{ tid: 101, bytes: filled(68, 5) }]));
  return writer;
}

describe('MinidumpWriter', () => {
  test('what it writes is read back', () => {
    const writer = sample();
    const file = Buffer.concat(writer.finish());
    expect(file.length).toBe(writer.size);
    const dump = Minidump.open(file);
    expect(dump.header.timestamp).toBe(1_700_000_000);
    expect(dump.threads).toMatchObject([
      { tid: 101, priority: -5, stack: { address: 0x7ffd0000, size: stack.length }, context: { size: 1232 } },
      { tid: 100, stack: null, context: null },
    ]);
    expect(dump.threadContext(dump.threads![0]!)).toEqual(Buffer.from(context));
    expect(dump.threadContext(dump.threads![1]!)).toBeNull();
    expect([...dump.threadNames!]).toEqual([[101, 'worker/7 ü']]);
    expect(dump.modules).toMatchObject([
      {
        base: 0x400000,
        size: 0x3000,
        name: '/usr/bin/prog',
        version: [1, 2, 3, 4],
        buildId: Buffer.from(buildId).toString('hex'),
      },
      { base: 0x7f0000000000, name: 'linux-gate.so', version: null, cv: null, buildId: null, debugId: null },
    ]);
    expect(dump.unloadedModules).toMatchObject([{ base: 0x500000, size: 0x2000, name: '/lib/gone.so' }]);
    expect(dump.exception).toMatchObject({
      tid: 101,
      code: 11,
      flags: 0xfffffffa,
      address: 0xdead_beef_dead_beefn,
      parameters: [1n, 2n ** 64n - 1n],
      context: dump.threads![0]!.context,
    });
    expect(dump.systemInfo).toMatchObject({
      architectureName: 'amd64',
      level: 6,
      revision: 0x8f02,
      cpuCount: 255,
      platformName: 'linux',
      osText: 'Linux 6.1.0 #1 SMP x86_64',
      cpuVendor: 'GenuineIntel',
    });
    expect(dump.miscInfo).toMatchObject({
      size: MISC_INFO_4_SIZE,
      pid: 100,
      times: { createTime: 1_600_000_000, userTime: 7, kernelTime: 8 },
      power: null,
      timeZone: { bias: -90 },
      buildString: 'Debian 13',
    });
    expect(dump.memoryInfo).toHaveLength(1);
    expect(dump.handles).toMatchObject([
      { handle: 3, typeName: 'File', objectName: '/tmp/x', attributes: 0o100644 },
      { handle: 4, typeName: null, objectName: null },
    ]);
    expect(dump.commandLine).toEqual(['prog', '-x']);
    expect(dump.info).toEqual(info);
    expect(Buffer.from(dump.rawRegisters!.get(101)!)).toEqual(Buffer.from(filled(68, 5)));
    expect(dump.problems).toEqual([]);
  });

  test('every stream and every record begins on a multiple of 8', () => {
    const dump = Minidump.open(Buffer.concat(sample().finish()));
    for (const { rva } of dump.directory) expect(rva % 8).toBe(0);
    expect(dump.threads![0]!.context!.rva % 8).toBe(0);
    expect(dump.threads![0]!.stack!.rva % 8).toBe(0);
  });

  test('memory is listed once: the stack keeps its bytes, what overlaps it is cut', () => {
    const dump = Minidump.open(Buffer.concat(sample().finish()));
    const regions = dump.memoryList!;
    expect(regions.map(({ address, size }) => [address, size])).toEqual([
      [0x1000, 10],
      [0x7ffd0000 - 16, 16],
      [0x7ffd0000, stack.length],
    ]);
    expect(regions[2]!.rva).toBe(dump.threads![0]!.stack!.rva);
    const bytes = new Uint8Array(16 + stack.length + 8);
    expect(dump.memory.read(0x7ffd0000 - 16, bytes)).toBe(16 + stack.length);
    expect(Buffer.from(bytes.subarray(0, 16))).toEqual(Buffer.from(filled(32, 9).subarray(0, 16)));
    expect(Buffer.from(bytes.subarray(16, 16 + stack.length))).toEqual(Buffer.from(stack));
  });

  test('stack and memory buffers are referenced, not copied', () => {
    const chunks = sample().finish();
    expect(chunks).toContain(stack);
    expect(chunks).toContain(context);
  });

  test('an empty dump is a dump', () => {
    const dump = Minidump.open(Buffer.concat(new MinidumpWriter(0).finish()));
    expect(dump.threads).toEqual([]);
    expect(dump.modules).toEqual([]);
    expect(dump.exception).toBeNull();
    expect(dump.info).toBeNull();
  });

  test('a requested dump', () => {
    const writer = new MinidumpWriter(0);
    writer.setException({ tid: 1, code: DUMP_REQUESTED, flags: 0, address: 0x401000 });
    const { exception } = Minidump.open(Buffer.concat(writer.finish()));
    expect(exception).toMatchObject({ code: DUMP_REQUESTED, address: 0x401000n, context: null });
  });

  test('deferred memory follows the chunks', () => {
    const writer = sample();
    writer.deferMemory64([
      { address: 0x600000, size: 5 },
      { address: 0x700000, size: 4096 },
    ]);
    const head = Buffer.concat(writer.finish());
    expect(writer.size).toBe(head.length + 5 + 4096);
    const file = Buffer.concat([head, filled(5, 1), filled(4096, 2)]);
    const dump = Minidump.open(file);
    expect(dump.memory64List).toEqual([
      { address: 0x600000, size: 5, rva: head.length },
      { address: 0x700000, size: 4096, rva: head.length + 5 },
    ]);
    const bytes = new Uint8Array(4);
    expect(dump.memory.read(0x700001, bytes)).toBe(4);
    expect([...bytes]).toEqual([...filled(4096, 2).subarray(1, 5)]);
  });
});

describe('completeMinidump', () => {
  const original = Buffer.concat(sample().finish());
  const id = filled(16, 77);
  const completed = Buffer.concat(
    completeMinidump(original, {
      modules: new Map([
        [0x7f0000000000, { buildId: id }],
        [0x400000, { name: '/usr/bin/better', version: [9, 8, 7, 6] }],
        [0x123, { name: 'nobody' }],
      ]),
      streams: [
        { type: StreamType.debuggerdReport, bytes: Buffer.from('{"x":[1]}') },
        { type: StreamType.linuxCmdline, bytes: Buffer.from('other\0') },
      ],
    }),
  );

  test('nothing that was there moves', () => {
    expect(completed.subarray(32, original.length)).toEqual(original.subarray(32));
  });

  test('modules and streams are added, the rest is as it was', () => {
    const before = Minidump.open(original);
    const after = Minidump.open(completed);
    expect(after.modules).toMatchObject([
      { name: '/usr/bin/better', buildId: before.modules![0]!.buildId, version: [9, 8, 7, 6] },
      { name: 'linux-gate.so', buildId: Buffer.from(id).toString('hex') },
    ]);
    expect(after.reportJson).toEqual({ x: [1] });
    expect(after.commandLine).toEqual(['other']);
    expect(after.directory).toHaveLength(before.directory.length + 1);
    expect(after.threads).toEqual(before.threads);
    expect(after.exception).toEqual(before.exception);
    expect(after.info).toEqual(before.info);
    expect(after.memoryList).toEqual(before.memoryList);
  });

  test('it can be completed again, and completing with nothing changes no value', () => {
    const again = Buffer.concat(completeMinidump(completed, { modules: new Map(), streams: [] }));
    const dump = Minidump.open(again);
    expect(dump.reportJson).toEqual({ x: [1] });
    expect(dump.modules).toEqual(Minidump.open(completed).modules);
  });
});
