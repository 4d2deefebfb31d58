/** Lays out the copy as a minidump in a sealed memfd: what happens after the target was let go. */
import { writevSync } from 'node:fs';
import type { Arch } from '../arch/arch.js';
import { modulesFromMaps } from '../minidump/modules-from-maps.js';
import { encodeRawRegisters } from '../minidump/raw-registers.js';
import { StreamType } from '../minidump/stream-types.js';
import { DUMP_REQUESTED } from '../minidump/structs.js';
import { encodeJson, type LogTailRecord } from '../minidump/vendor.js';
import { MinidumpWriter } from '../minidump/writer.js';
import type { Addon } from '../platform/addon.js';
import type { Mapping } from '../platform/proc-maps.js';
import type { CaptureJob } from '../protocol/job.js';
import { abortText } from './abort-message.js';
import type { CopiedMemory } from './copy.js';
import type { Losses } from './failure.js';
import { type Host, systemRecord } from './host.js';
import type { Prepared } from './prepare.js';
import type { RegisterFiles } from './registers.js';
import { faultAddress, signalCode, signalNumber } from './siginfo.js';

export interface Copy {
  readonly job: CaptureJob;
  readonly host: Host;
  readonly arch: Arch;
  readonly prepared: Prepared;
  readonly registers: RegisterFiles;
  readonly memory: CopiedMemory;
  /** Threads that were there and could not be stopped. */
  readonly unstopped: readonly number[];
  /** siginfo_t of the fatal signal; null when there was none. */
  readonly siginfo: Buffer | null;
  readonly logs: readonly LogTailRecord[];
  readonly perfMap: Buffer;
  /** Of the freeze: milliseconds since the epoch. */
  readonly timeMs: number;
  readonly losses: Losses;
}

const AT_ENTRY = 9;
const TICKS_PER_SECOND = 100;

/** The descriptor and its size in bytes. Whoever gets it can be sure that nobody changes it any more. */
export function writeCopy(addon: Addon, copy: Copy): { readonly fd: number; readonly bytes: number } {
  const chunks = layOut(copy).finish();
  const fd = addon.memfdCreate('debuggerd-copy', { sealing: true });
  try {
    const bytes = writeAll(fd, chunks);
    const { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE } = addon.constants;
    addon.addSeals(fd, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return { fd, bytes };
  } catch (error) {
    addon.closeFd(fd);
    throw error;
  }
}

function layOut(copy: Copy): MinidumpWriter {
  const { job, arch, prepared, registers, memory, host } = copy;
  const writer = new MinidumpWriter(copy.timeMs / 1000);
  addThreads(writer, copy);
  for (const { address, bytes } of memory.others) if (bytes.length > 0) writer.addMemory(address, bytes);
  const modules = modulesFromMaps(prepared.mappings, {
    entry: auxiliaryValue(prepared.auxv, arch.wordSize, AT_ENTRY),
    isElf: elfPages(memory),
  });
  for (const { base, size, name } of modules) writer.addModule({ base, size, name });
  if (copy.siginfo !== null) {
    writer.setException({
      tid: job.tid,
      code: signalNumber(copy.siginfo),
      flags: signalCode(copy.siginfo),
      address: faultAddress(copy.siginfo) ?? 0n,
    });
  } else {
    const pc = registers.usable(0) ? Math.max(0, registers.address(0, arch.pc)) : 0;
    writer.setException({ tid: job.tid, code: DUMP_REQUESTED, flags: 0, address: pc });
  }
  writer.setSystem(systemRecord(host, arch));
  writer.setMisc({ pid: job.pid, utcOffsetMinutes: job.host.utcOffsetMinutes, ...processTimes(copy) });
  addStreams(writer, copy);
  return writer;
}

function addThreads(writer: MinidumpWriter, { registers, memory, prepared, unstopped, losses }: Copy): void {
  const contexts = registers.contexts();
  registers.tids.forEach((tid, index) => {
    const stack = memory.stacks[index] ?? null;
    const present = stack !== null && stack.bytes.length > 0;
    writer.addThread({ tid, context: contexts[index] ?? null, stack: present ? stack : null });
    if (!registers.usable(index)) losses.add('registers', `thread ${tid}: ${whyUnusable(registers, index)}`);
    else if (!present) losses.add('stack', `thread ${tid}: its sp points to no readable stack`);
  });
  for (const tid of unstopped) writer.addThread({ tid, context: null, stack: null });
  for (const tid of [...registers.tids, ...unstopped]) {
    const name = prepared.nameOf(tid);
    if (name !== null) writer.addThreadName(tid, name);
  }
}

function whyUnusable(registers: RegisterFiles, index: number): string {
  const size = registers.sizeOf(index);
  return size < 0 ? `errno ${-size}` : `${size} bytes are not what ${registers.arch?.name} has`;
}

function addStreams(writer: MinidumpWriter, copy: Copy): void {
  const { job, host, prepared, registers, losses } = copy;
  const add = (type: number, bytes: Uint8Array): void => {
    if (bytes.length > 0) writer.addStream(type, bytes);
  };
  add(StreamType.linuxCpuInfo, host.cpuInfo);
  add(StreamType.linuxProcStatus, prepared.status);
  add(StreamType.linuxLsbRelease, host.release);
  add(StreamType.linuxCmdline, prepared.commandLine);
  add(StreamType.linuxAuxv, prepared.auxv);
  add(StreamType.linuxMaps, prepared.mapsText);
  add(
    StreamType.debuggerdInfo,
    encodeJson({
      version: 1,
      kind: job.kind,
      pid: job.pid,
      tid: job.tid,
      uid: job.uid,
      gid: job.gid,
      originalSiCode: job.originalSiCode,
      abortMessageAddress: job.abortMessageAddress,
      fingerprint: job.host.fingerprint,
      revision: job.host.revision,
      utcOffsetMinutes: job.host.utcOffsetMinutes,
      timeMs: copy.timeMs,
      signalStop: copy.siginfo !== null,
    }),
  );
  if (copy.siginfo !== null) add(StreamType.debuggerdSiginfo, copy.siginfo);
  if (copy.memory.abortMessage !== null) {
    add(StreamType.debuggerdAbortMessage, abortText(copy.memory.abortMessage.bytes, copy.arch.wordSize));
  }
  if (copy.logs.length > 0) add(StreamType.debuggerdLogTails, encodeJson(copy.logs));
  add(StreamType.debuggerdPerfMap, copy.perfMap);
  const raw = Array.from(registers.tids, (tid, index) => ({ tid, bytes: registers.raw(index) }));
  add(
    StreamType.debuggerdRawRegisters,
    encodeRawRegisters(raw.filter((each): each is typeof each & { bytes: Buffer } => each.bytes !== null)),
  );
  // Last: everything that may lose something has been added.
  add(StreamType.debuggerdSoftErrors, encodeJson(losses.summary()));
}

/** Tells of a mapping whose first bytes were copied whether they are ELF's magic. */
function elfPages(memory: CopiedMemory): (mapping: Mapping) => boolean | null {
  const heads = new Map<number, Buffer>();
  for (const { address, bytes } of memory.others) if (bytes.length >= 4) heads.set(address, bytes);
  return ({ start }) => {
    const head = heads.get(start);
    return head === undefined ? null : head.readUInt32BE(0) === 0x7f454c46;
  };
}

/** The value of a kind of entry in an auxiliary vector; 0 when it has none. */
function auxiliaryValue(auxv: Buffer, wordSize: number, wanted: number): number {
  for (let at = 0; at + 2 * wordSize <= auxv.length; at += 2 * wordSize) {
    const [type, value] =
      wordSize === 8
        ? [Number(auxv.readBigUInt64LE(at)), Number(auxv.readBigUInt64LE(at + 8))]
        : [auxv.readUInt32LE(at), auxv.readUInt32LE(at + 4)];
    if (type === wanted) return value;
    if (type === 0) break;
  }
  return 0;
}

function processTimes({ prepared: { stat }, host }: Copy): object {
  if (stat === null || host.bootTime === 0) return {};
  const seconds = (ticks: number): number => Math.floor(ticks / TICKS_PER_SECOND);
  return {
    times: {
      createTime: host.bootTime + seconds(stat.startTicks),
      userTime: seconds(stat.userTicks),
      kernelTime: seconds(stat.kernelTicks),
    },
  };
}

function writeAll(fd: number, chunks: readonly Uint8Array[]): number {
  let rest: readonly Uint8Array[] = chunks;
  let total = 0;
  while (rest.length > 0) {
    const written = writevSync(fd, rest);
    total += written;
    rest = after(rest, written);
  }
  return total;
}

/** What remains of the chunks after `count` bytes. */
function after(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  while (index < chunks.length && count >= chunks[index]!.length) count -= chunks[index++]!.length;
  if (index === chunks.length) return [];
  return [chunks[index]!.subarray(count), ...chunks.slice(index + 1)];
}
