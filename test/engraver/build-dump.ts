/** A small process as a minidump, the way our tracer writes it; tests change what they are about. */
import type { Arch } from '../../src/arch/arch.js';
import { x86_64 } from '../../src/arch/x86_64.js';
import { StreamType } from '../../src/minidump/format/stream-types.js';
import { encodeRawRegisters } from '../../src/minidump/reader/raw-registers.js';
import { type DumpInfo, encodeJson } from '../../src/minidump/reader/vendor.js';
import { MinidumpWriter } from '../../src/minidump/writer/writer.js';

export const APP = 0x400000;
export const STACK = 0x7ffe00000000;
export const MAPS = `\
00400000-00402000 r-xp 00000000 fd:01 42                                 /usr/bin/app
00402000-00403000 rw-p 00002000 fd:01 42                                 /usr/bin/app
7ffe00000000-7ffe00001000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;

export interface DumpThread {
  readonly tid: number;
  readonly name?: string;
  /** Values by register name; the context holds them. */
  readonly registers?: Readonly<Record<string, bigint>>;
  readonly stack?: { readonly address: number; readonly bytes: Uint8Array };
  /** NT_PRSTATUS as it is. */
  readonly raw?: Uint8Array;
}

export interface DumpSpec {
  readonly arch?: Arch;
  /** null: a dump that another program wrote. */
  readonly info?: Partial<DumpInfo> | null;
  readonly threads?: readonly DumpThread[];
  /** @default Linux */
  readonly platform?: number;
  readonly maps?: string | null;
  readonly exception?: {
    readonly tid?: number;
    readonly code: number;
    readonly flags: number;
    readonly address?: bigint;
  } | null;
  readonly siginfo?: Uint8Array;
  readonly abortMessage?: string;
  readonly memory?: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly modules?: readonly {
    readonly base: number;
    readonly size: number;
    readonly name: string;
    readonly buildId?: Uint8Array;
  }[];
  readonly streams?: readonly { readonly type: number; readonly bytes: Uint8Array }[];
}

export const INFO: DumpInfo = {
  version: 1,
  kind: 'crash',
  pid: 100,
  tid: 100,
  uid: 1000,
  gid: 1000,
  originalSiCode: 1,
  abortMessageAddress: 0,
  fingerprint: 'Test Linux 1',
  revision: '6.1.0',
  utcOffsetMinutes: 120,
  timeMs: Date.UTC(2024, 4, 1, 10, 0, 0),
  signalStop: true,
};

/** A minidump CPU context with these registers. */
export function context(arch: Arch, registers: Readonly<Record<string, bigint>>): Uint8Array {
  const bytes = new Uint8Array(arch.context.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(arch.context.flags.offset, arch.context.flags.value, true);
  for (const { name, context: place } of arch.registers) {
    const value = registers[name];
    if (value === undefined || place === null) continue;
    for (let i = 0; i < place.size; i++) bytes[place.offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
}

/** siginfo_t with its union as two 32-bit words (si_pid and si_uid) or one address. */
export function siginfo(
  number: number,
  code: number,
  union: { address?: bigint; pid?: number; uid?: number },
): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, number, true);
  view.setInt32(8, code, true);
  if (union.address !== undefined) view.setBigUint64(16, union.address, true);
  if (union.pid !== undefined) view.setInt32(16, union.pid, true);
  if (union.uid !== undefined) view.setUint32(20, union.uid, true);
  return bytes;
}

export function buildDump(spec: DumpSpec = {}): Buffer {
  const { arch = x86_64, info = {}, maps = MAPS } = spec;
  const writer = new MinidumpWriter(INFO.timeMs / 1000);
  const threads = spec.threads ?? [
    { tid: 100, name: 'app', registers: { rip: 0x401136n, rsp: BigInt(STACK + 0x800) } },
  ];
  for (const { tid, name, registers, stack } of threads) {
    writer.addThread({ tid, context: registers ? context(arch, registers) : null, stack: stack ?? null });
    if (name !== undefined) writer.addThreadName(tid, name);
  }
  for (const { address, bytes } of spec.memory ?? []) writer.addMemory(address, bytes);
  for (const module of spec.modules ?? []) writer.addModule(module);
  const exception = spec.exception === undefined ? { code: 11, flags: 1, address: 0xdeadn } : spec.exception;
  if (exception !== null) {
    writer.setException({ tid: 100, address: 0n, ...exception });
  }
  writer.setSystem({
    architecture: arch.minidumpArch,
    cpuCount: 1,
    platform: spec.platform ?? 0x8201,
    osText: 'Linux 6.1.0 #1 SMP x86_64',
  });
  const stream = (type: number, bytes: Uint8Array) => writer.addStream(type, bytes);
  stream(StreamType.linuxCmdline, Buffer.from('./app\0--flag\0'));
  if (maps !== null) stream(StreamType.linuxMaps, Buffer.from(maps));
  if (info !== null) stream(StreamType.debuggerdInfo, encodeJson({ ...INFO, ...info }));
  if (spec.siginfo) stream(StreamType.debuggerdSiginfo, spec.siginfo);
  if (spec.abortMessage !== undefined) stream(StreamType.debuggerdAbortMessage, Buffer.from(spec.abortMessage));
  const raw = threads.flatMap(({ tid, raw: bytes }) => (bytes ? [{ tid, bytes }] : []));
  if (raw.length > 0) stream(StreamType.debuggerdRawRegisters, encodeRawRegisters(raw));
  for (const { type, bytes } of spec.streams ?? []) stream(type, bytes);
  return Buffer.concat(writer.finish());
}
