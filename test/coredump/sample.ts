/**
 * A minidump of a made-up process of any of our CPUs: two threads, two modules, a stack, code. Addresses fit 32 bits.
 */
import type { Arch } from '../../src/arch/arch.js';
import { setU64 } from '../../src/bytes/struct.js';
import { dsoDebugSection } from '../../src/coredump/dso-debug.js';
import type { CoreRegion } from '../../src/coredump/planned-segments.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { Platform } from '../../src/minidump/format/system.js';
import { encodeRawRegisters } from '../../src/minidump/reader/raw-registers.js';
import { type DumpInfo, encodeJson } from '../../src/minidump/reader/vendor.js';
import { MinidumpWriter } from '../../src/minidump/writer/writer.js';

export const CRASHED = { tid: 4711, pc: 0x56551234, sp: 0xbfff0010 } as const;
export const SIBLING = { tid: 4710, pc: 0x56551358, sp: 0xbfe00020 } as const;
export const FAULT = 0xdead0;
export const CPUS = ['x86_64', 'x86', 'arm64', 'arm'] as const;

export const MAPS = `56550000-56551000 r--p 00000000 00:00 0                                  /opt/test/prog
56551000-56552000 r-xp 00001000 00:00 0                                  /opt/test/prog
56552000-56554000 rw-p 00001000 00:00 0                                  /opt/test/prog
bfe00000-bfe01000 rw-p 00000000 00:00 0 
bffef000-bfff1000 rw-p 00000000 00:00 0                                  [stack]
`;

const info: DumpInfo = {
  version: 1,
  kind: 'crash',
  pid: SIBLING.tid,
  tid: CRASHED.tid,
  uid: 1000,
  gid: 100,
  originalSiCode: 1,
  abortMessageAddress: 0,
  fingerprint: 'f',
  revision: 'r',
  utcOffsetMinutes: 0,
  timeMs: 1,
  signalStop: true,
};

/** Every register has a value of its own; pc and sp are the thread's. */
export function registerValue(arch: Arch, index: number, thread: typeof CRASHED | typeof SIBLING): number {
  if (index === arch.pc) return thread.pc;
  if (index === arch.sp) return thread.sp;
  return thread.tid + index;
}

export function contextOf(arch: Arch, thread: typeof CRASHED | typeof SIBLING): Uint8Array {
  const bytes = new Uint8Array(arch.context.size);
  const view = new DataView(bytes.buffer);
  for (const { copies } of arch.context.state) {
    for (const { from, to, size } of copies) for (let i = 0; i < size; i++) bytes[to + i] = (from + i) % 251;
  }
  view.setUint32(arch.context.flags.offset, arch.context.flags.value, true);
  arch.registers.forEach(({ context }, index) => {
    if (context === null) return;
    const value = registerValue(arch, index, thread);
    if (context.size === 8) setU64(view, context.offset, value);
    else if (context.size === 4) view.setUint32(context.offset, value, true);
    else view.setUint16(context.offset, value, true);
  });
  return bytes;
}

export function stackOf(thread: typeof CRASHED | typeof SIBLING): Buffer {
  return Buffer.alloc(512, `stack of ${thread.tid}. `);
}

export const DYNAMIC = 0x56552800;
export const LIBRARIES = [
  { address: 0x56550000, dynamic: DYNAMIC, name: '' },
  { address: 0xf7000000, dynamic: 0xf7001000, name: '/lib/libc.so.6' },
  { address: 0xf7100000, dynamic: 0xf7101000, name: '/lib/opened.so' },
] as const;

/** The sample with a list of libraries that is not in its memory. */
export function dumpWithLibraries(arch: Arch): Buffer {
  return sampleDump(arch, { libraries: true });
}

export function sampleDump(arch: Arch, options: { readonly raw?: boolean; readonly libraries?: boolean } = {}): Buffer {
  const writer = new MinidumpWriter(1_700_000_000);
  for (const thread of [SIBLING, CRASHED]) {
    const stack = { address: thread.sp, bytes: stackOf(thread) };
    writer.addThread({ tid: thread.tid, context: contextOf(arch, thread), stack });
  }
  writer.addThreadName(SIBLING.tid, 'prog');
  writer.addModule({ base: 0x56550000, size: 0x4000, name: '/opt/test/prog' });
  writer.addMemory(0x56551200, Buffer.alloc(256, 'code'));
  writer.setException({ tid: CRASHED.tid, code: 11, flags: 1, address: FAULT });
  writer.setSystem({
    architecture: arch.minidumpArch,
    cpuCount: 4,
    platform: Platform.linux,
    osText: 'Linux 6.12.0 #1 SMP x',
  });
  writer.addStream(StreamType.linuxMaps, Buffer.from(MAPS));
  writer.addStream(StreamType.linuxCmdline, Buffer.from('/opt/test/prog\0--flag\0'));
  writer.addStream(
    StreamType.linuxProcStatus,
    Buffer.from('Name:\tprog\nPPid:\t17\nNSpgid:\t4700\t12\nNSsid:\t4600\t3\n'),
  );
  const auxv = Buffer.alloc(arch.wordSize * 4);
  if (arch.wordSize === 8) auxv.writeBigUInt64LE(9n, 0);
  else auxv.writeUInt32LE(9, 0);
  auxv.writeUInt32LE(0x56551010, arch.wordSize);
  writer.addStream(StreamType.linuxAuxv, auxv);
  writer.addStream(StreamType.debuggerdInfo, encodeJson(info));
  if (options.raw) {
    const bytes = new Uint8Array(arch.prstatusSize).fill(0x77);
    writer.addStream(StreamType.debuggerdRawRegisters, encodeRawRegisters([{ tid: CRASHED.tid, bytes }]));
  }
  if (options.libraries) {
    // {DT_NEEDED, 1}, {DT_DEBUG, 0}, {DT_NULL, 0}
    const dynamicSection = Buffer.alloc(6 * arch.wordSize);
    dynamicSection.writeUInt32LE(1, 0);
    dynamicSection.writeUInt32LE(1, arch.wordSize);
    dynamicSection.writeUInt32LE(21, 2 * arch.wordSize);
    const debug = {
      version: 1,
      brk: 0x5678,
      loaderBase: 0xf7200000,
      dynamic: DYNAMIC,
      linkMap: LIBRARIES,
      whole: false,
    };
    writer.addSection(dsoDebugSection({ ...debug, dynamicSection }, arch.wordSize));
    writer.addMemory(DYNAMIC - 16, Buffer.alloc(32, 0xcc));
  }
  return Buffer.concat(writer.finish());
}

/** The whole core that a conversion describes. */
export function coreBytes(
  dump: Uint8Array,
  { head, pieces }: { head: Uint8Array; pieces: readonly CoreRegion[] },
): Buffer {
  return Buffer.concat([head, ...pieces.map(({ rva, size, bytes }) => bytes ?? dump.subarray(rva, rva + size))]);
}
