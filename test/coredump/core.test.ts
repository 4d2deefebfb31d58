import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byName } from '../../src/arch/index.js';
import { BufferSource, type ByteSource } from '../../src/bytes/byte-source.js';
import { CoreFile } from '../../src/coredump/core-file.js';
import { coreToMinidump } from '../../src/coredump/core-to-minidump.js';
import { findDsoDebug } from '../../src/coredump/dso-debug.js';
import { minidumpToCore } from '../../src/coredump/minidump-to-core.js';
import { makeSiginfo } from '../../src/coredump/siginfo.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Platform, ProcessorArchitecture } from '../../src/minidump/format/system.js';
import { Minidump } from '../../src/minidump/reader/minidump.js';
import { MinidumpWriter } from '../../src/minidump/writer/writer.js';
import { target } from '../fuzz/targets/core.js';
import {
  CPUS,
  CRASHED,
  contextOf,
  coreBytes,
  DYNAMIC,
  dumpWithLibraries,
  FAULT,
  LIBRARIES,
  MAPS,
  registerValue,
  SIBLING,
  sampleDump,
  stackOf,
} from './sample.js';

// Tens of thousands of errors are made here, and nobody looks at their stacks.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

function convert(dump: Uint8Array): Buffer {
  return coreBytes(dump, minidumpToCore(Minidump.open(dump)));
}

describe.each(CPUS)('%s', (name) => {
  const arch = byName(name);
  const dump = sampleDump(arch);

  test('a list of libraries that memory lacks is made of the stream', () => {
    const bytes = dumpWithLibraries(arch);
    const core = CoreFile.open(new BufferSource(convert(bytes)));
    // As a debugger goes: .dynamic, DT_DEBUG, r_debug, link_map.
    const word = (address: number): number => {
      const into = Buffer.alloc(arch.wordSize);
      expect(core.memory.read(address, into)).toBe(into.length);
      return Number(arch.wordSize === 8 ? into.readBigUInt64LE() : into.readUInt32LE());
    };
    expect([word(DYNAMIC), word(DYNAMIC + 2 * arch.wordSize)]).toEqual([1, 21]);
    const debug = word(DYNAMIC + 3 * arch.wordSize);
    expect([word(debug), word(debug + 2 * arch.wordSize), word(debug + 4 * arch.wordSize)]).toEqual([
      1, 0x5678, 0xf7200000,
    ]);
    const found = [];
    let before = 0;
    for (let at = word(debug + arch.wordSize); at !== 0; at = word(at + 3 * arch.wordSize)) {
      const name = Buffer.alloc(32);
      core.memory.read(word(at + arch.wordSize), name);
      found.push({
        address: word(at),
        dynamic: word(at + 2 * arch.wordSize),
        name: name.toString('latin1').replace(/\0.*$/s, ''),
      });
      expect(word(at + 4 * arch.wordSize)).toBe(before);
      before = at;
    }
    expect(found).toEqual(LIBRARIES);
    // What was captured around .dynamic is still there, and nothing lies over anything else.
    const around = Buffer.alloc(16);
    core.memory.read(DYNAMIC - 16, around);
    expect(around).toEqual(Buffer.alloc(16, 0xcc));
    let end = 0;
    for (const { address, memorySize } of core.segments) {
      expect(address).toBeGreaterThanOrEqual(end);
      end = address + memorySize;
    }
    expect(findDsoDebug(Minidump.open(bytes).memory, [], arch.wordSize)).toBeNull();
  });

  const file = convert(dump);
  const core = CoreFile.open(new BufferSource(file));

  test('a minidump becomes a core: threads, registers, process, memory', () => {
    expect(core.arch).toBe(arch);
    expect(core.threads.map(({ tid }) => tid)).toEqual([CRASHED.tid, SIBLING.tid]);
    for (const [i, thread] of [CRASHED, SIBLING].entries()) {
      const { general, ppid, signal } = core.threads[i]!;
      const view = new DataView(general.buffer, general.byteOffset);
      expect({ ppid, signal }).toEqual({ ppid: 17, signal: 11 });
      arch.registers.forEach(({ prstatus, context }, index) => {
        if (prstatus === null || context === null) return;
        const value =
          prstatus.size === 8
            ? Number(view.getBigUint64(prstatus.offset, true))
            : view.getUint32(prstatus.offset, true);
        expect(value).toBe(registerValue(arch, index, thread));
      });
    }
    expect(core.process).toEqual({
      pid: SIBLING.tid,
      ppid: 17,
      pgrp: 4700,
      sid: 4600,
      uid: 1000,
      gid: 100,
      name: 'prog',
      arguments: '/opt/test/prog --flag',
    });
    expect(core.files).toEqual([
      { start: 0x56550000, end: 0x56551000, offset: 0, name: '/opt/test/prog' },
      { start: 0x56551000, end: 0x56552000, offset: 0x1000, name: '/opt/test/prog' },
      { start: 0x56552000, end: 0x56554000, offset: 0x1000, name: '/opt/test/prog' },
    ]);
    const code = Buffer.alloc(256);
    expect(core.memory.read(0x56551200, code)).toBe(256);
    expect(code.toString()).toBe('code'.repeat(64));
    for (const thread of [CRASHED, SIBLING]) {
      const bytes = Buffer.alloc(600);
      expect(core.memory.read(thread.sp, bytes)).toBe(512);
      expect(bytes.subarray(0, 512)).toEqual(stackOf(thread));
    }
  });

  test('its segments cover the mappings, disjoint and ascending, with their permissions', () => {
    let covered = '';
    let end = 0;
    for (const { address, memorySize, flags, fileSize } of core.segments) {
      expect(address).toBeGreaterThanOrEqual(end);
      expect([0, memorySize]).toContain(fileSize);
      end = address + memorySize;
      covered += `${address.toString(16)}-${end.toString(16)} ${flags}\n`;
    }
    expect(covered).toBe(
      [
        '56550000-56551000 4',
        '56551000-56551200 5',
        '56551200-56551300 5',
        '56551300-56552000 5',
        '56552000-56554000 6',
        'bfe00000-bfe00020 6',
        'bfe00020-bfe00220 6',
        'bfe00220-bfe01000 6',
        'bffef000-bfff0010 6',
        'bfff0010-bfff0210 6',
        'bfff0210-bfff1000 6',
        '',
      ].join('\n'),
    );
  });

  test.each([false, true])('and a minidump again (full: %s)', (full) => {
    const { chunks, deferred } = coreToMinidump(core, { timestamp: 5, full });
    const bytes = Buffer.concat([...chunks, ...deferred.map(({ rva, size }) => file.subarray(rva, rva + size))]);
    const again = Minidump.open(bytes);
    expect(again.header.timestamp).toBe(5);
    expect(again.threads?.map(({ tid }) => tid)).toEqual([CRASHED.tid, SIBLING.tid]);
    again.threads!.forEach((thread, i) => {
      const context = contextOf(arch, [CRASHED, SIBLING][i]!);
      expect(Buffer.from(again.threadContext(thread)!)).toEqual(Buffer.from(context));
    });
    expect(again.exception).toMatchObject({ tid: CRASHED.tid, code: 11, flags: 1, address: BigInt(FAULT) });
    expect(again.siginfo).toHaveLength(128);
    expect(Buffer.from(again.siginfo!).readBigUInt64LE(16)).toBe(BigInt(FAULT));
    expect(again.modules).toMatchObject([{ base: 0x56550000, size: 0x4000, name: '/opt/test/prog' }]);
    expect(again.commandLine).toEqual(['/opt/test/prog', '--flag']);
    expect(again.auxv).toEqual([{ type: 9, value: 0x56551010n }]);
    expect(again.miscInfo?.pid).toBe(SIBLING.tid);
    expect(again.threadNames).toEqual(new Map([[SIBLING.tid, 'prog']]));
    expect(again.memory64List === null).toBe(!full);
    expect([...again.rawRegisters!.keys()]).toEqual([CRASHED.tid, SIBLING.tid]);
    const stack = Buffer.alloc(512);
    expect(again.memory.read(SIBLING.sp, stack)).toBe(512);
    expect(stack).toEqual(stackOf(SIBLING));
    const lines = again.text(StreamType.linuxMaps)!.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/ +/g, ' ').trimEnd())).toEqual(
      MAPS.replace('[stack]', '')
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ +/g, ' ').trimEnd()),
    );
  });

  test('the kernel’s own register set goes before the context', () => {
    const raw = CoreFile.open(new BufferSource(convert(sampleDump(arch, { raw: true }))));
    expect(Buffer.from(raw.threads[0]!.general)).toEqual(Buffer.alloc(arch.prstatusSize, 0x77));
    expect(Buffer.from(raw.threads[1]!.general)).toEqual(Buffer.from(core.threads[1]!.general));
  });
});

describe.each(['x86_64', 'x86'] as const)('a hostile core of %s', (name) => {
  const file = convert(sampleDump(byName(name)));
  const headers = file.length - 1280;

  test('cut at every byte', () => {
    for (let length = 0; length < file.length; length += length < headers ? 1 : 64) target(file.subarray(0, length));
  });

  test.each([0xffffffff, 0x10000, 0])('each u32 of its headers and notes said to be %i', (value) => {
    const changed = Buffer.from(file);
    for (let at = 4; at + 4 <= headers; at += 4) {
      changed.writeUInt32LE(value, at);
      target(changed);
      file.copy(changed, at, at, at + 4);
    }
  });
});

test('arm64’s old context becomes the same registers', () => {
  const arch = byName('arm64');
  const context = Buffer.alloc(796);
  context.writeUInt32LE(0x80000006, 0);
  for (let i = 0; i < 33; i++) context.writeBigUInt64LE(BigInt(1000 + i), 8 + 8 * i);
  context.writeUInt32LE(0x60000000, 272);
  const writer = new MinidumpWriter(0);
  writer.addThread({ tid: 1, context, stack: null });
  writer.setSystem({
    architecture: ProcessorArchitecture.arm64Old,
    cpuCount: 1,
    platform: Platform.android,
    osText: '',
  });
  const dump = Buffer.concat(writer.finish());
  const [thread] = CoreFile.open(new BufferSource(convert(dump))).threads;
  const general = Buffer.from(thread!.general);
  expect(general).toHaveLength(arch.prstatusSize);
  expect([general.readBigUInt64LE(0), general.readBigUInt64LE(31 * 8), general.readBigUInt64LE(32 * 8)]).toEqual([
    1000n,
    1031n,
    1032n,
  ]);
  expect(general.readBigUInt64LE(264)).toBe(0x60000000n);
});

test.each([
  ['no system info', new MinidumpWriter(0), 'it has no system info'],
  ['another CPU', withSystem(ProcessorArchitecture.sparc), 'there are no cores of sparc here'],
  ['no threads', withSystem(ProcessorArchitecture.amd64), 'the dump has no registers of any thread'],
])('a dump with %s becomes no core', (_, writer, message) => {
  const dump = Minidump.open(Buffer.concat(writer.finish()));
  expect(() => minidumpToCore(dump)).toThrow(message);
});

function withSystem(architecture: number): MinidumpWriter {
  const writer = new MinidumpWriter(0);
  writer.setSystem({ architecture, cpuCount: 1, platform: Platform.linux, osText: '' });
  return writer;
}

describe('what is no core', () => {
  const file = convert(sampleDump(byName('x86_64')));
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(file);
    copy[at] = value;
    return copy;
  };
  test.each([
    ['nothing', Buffer.alloc(0), 'not an ELF file'],
    ['big endian', changed(5, 2), 'cores of big-endian machines are not read'],
    ['class 3', changed(4, 3), 'ELF class 3 is neither 32 nor 64 bits'],
    ['a program', changed(16, 2), 'an ELF file, but not a core'],
    ['machine', changed(18, 8), 'cores of machine 8 with 64 bits are not read'],
  ])('%s', (_, bytes, message) => {
    expect(() => CoreFile.open(new BufferSource(bytes))).toThrow(message);
  });
});

test('a core of many gigabytes is not read, only what is needed of it', () => {
  const small = convert(sampleDump(byName('x86_64')));
  // One more segment's worth of memory, 6 GiB at 0x100000000, behind the file: the first mapping is stretched over it.
  const huge = Buffer.from(small);
  const size = 6 * 2 ** 30;
  const header = 64 + 56;
  huge.writeBigUInt64LE(BigInt(small.length), header + 8);
  huge.writeBigUInt64LE(0x1_0000_0000n, header + 16);
  huge.writeBigUInt64LE(BigInt(size), header + 32);
  huge.writeBigUInt64LE(BigInt(size), header + 40);
  // The crashed thread's stack moves above it.
  const places = CoreFile.open(new BufferSource(small)).segments.map(({ address }) => address);
  const stack = header + 56 * places.indexOf(CRASHED.sp);
  huge.writeBigUInt64LE(0x8_0000_0000n, stack + 16);
  let read = 0;
  const source: ByteSource = {
    size: small.length + size,
    bytes(offset, length) {
      read += length;
      const bytes = Buffer.alloc(length, 'x');
      if (offset < huge.length) huge.copy(bytes, 0, offset);
      return bytes;
    },
  };
  const core = CoreFile.open(source);
  const { chunks, deferred } = coreToMinidump(core, { timestamp: 0, full: true });
  expect(read).toBeLessThan(1_000_000);
  const last = deferred.at(-1)!;
  expect([last.address, last.size, last.rva]).toEqual([0x8_0000_0000, 512, expect.any(Number)]);
  const head = Buffer.concat(chunks);
  const dump = Minidump.open({
    size: head.length + size + 2000,
    bytes: (offset, length) => head.subarray(offset, offset + length),
  });
  const { memory64List } = dump;
  expect(memory64List?.map(({ address }) => address)).toEqual(deferred.map(({ address }) => address));
  expect(memory64List!.at(-1)!.rva).toBeGreaterThan(2 ** 32);
});

test.each(['x86_64', 'x86'] as const)('a signal that was sent has no address: its sender lies there (%s)', (name) => {
  const arch = byName(name);
  const core = CoreFile.open(new BufferSource(convert(sampleDump(arch))));
  const addressOf = (signal: number, code: number): bigint => {
    const siginfo = makeSiginfo(signal, code, 0x1234n, arch.wordSize);
    const sent = Object.create(core, { siginfo: { value: siginfo } }) as CoreFile;
    const { chunks } = coreToMinidump(sent, { timestamp: 0, full: false });
    return Minidump.open(Buffer.concat(chunks)).exception!.address;
  };
  expect(addressOf(6, -6)).toBe(0n);
  expect(addressOf(11, 0)).toBe(0n);
  expect(addressOf(11, 1)).toBe(0x1234n);
});

test.each([
  ['1 (a) b) R 17 4700 4600 0', { pgrp: 4700, sid: 4600 }],
  ['1 (a', { pgrp: 0, sid: 0 }],
])('group and session of other writers: %j', (stat, expected) => {
  const arch = byName('x86_64');
  const writer = new MinidumpWriter(0);
  writer.addThread({ tid: 5, context: contextOf(arch, CRASHED), stack: null });
  writer.setSystem({ architecture: arch.minidumpArch, cpuCount: 1, platform: Platform.linux, osText: '' });
  writer.addStream(StreamType.linuxProcStat, Buffer.from(stat));
  const core = CoreFile.open(new BufferSource(convert(Buffer.concat(writer.finish()))));
  expect(core.process).toMatchObject(expected);
  // And on into a minidump.
  const { chunks } = coreToMinidump(core, { timestamp: 0, full: false });
  const again = CoreFile.open(new BufferSource(convert(Buffer.concat(chunks))));
  expect(again.process).toMatchObject(expected);
});

test('more segments than a 16-bit count holds', () => {
  const arch = byName('x86_64');
  const writer = new MinidumpWriter(0);
  writer.addThread({ tid: CRASHED.tid, context: contextOf(arch, CRASHED), stack: null });
  writer.setSystem({ architecture: arch.minidumpArch, cpuCount: 1, platform: Platform.linux, osText: '' });
  const bytes = Buffer.from('bytes');
  for (let i = 0; i < 70_000; i++) writer.addMemory(0x10000000 + i * 16, bytes);
  const core = CoreFile.open(new BufferSource(convert(Buffer.concat(writer.finish()))));
  expect(core.segments).toHaveLength(70_000);
  expect(core.segments.at(-1)).toMatchObject({ address: 0x10000000 + 69_999 * 16, fileSize: 5, flags: 6 });
});

test('what a process has of itself is quoted, not trusted', () => {
  const arch = byName('x86_64');
  const dump = sampleDump(arch);
  const core = CoreFile.open(new BufferSource(convert(dump)));
  const files = core.files.map((file) => ({ ...file, name: '/tmp/a\nb' }));
  const odd = Object.create(core, { files: { value: files } }) as CoreFile;
  const again = Minidump.open(Buffer.concat(coreToMinidump(odd, { timestamp: 0, full: false }).chunks));
  expect(again.maps![0]!.name).toBe('/tmp/a\\012b');
  expect(again.text(StreamType.linuxMaps)!.split('\n')).toHaveLength(again.maps!.length + 1);
});
