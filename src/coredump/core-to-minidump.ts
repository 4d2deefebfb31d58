/**
 * A core file as a minidump: threads, stacks, modules with build ids, the signal, what is near the crashed thread's
 * registers; with `full`, all memory of the core as a memory64 list that the caller streams.
 */
import type { Arch, Field } from '../arch/arch.js';
import { readGrowing } from '../bytes/memory-source.js';
import { Auxv } from '../linux/auxv.js';
import { parseMaps } from '../linux/maps.js';
import { StreamType } from '../minidump/format/stream-types.js';
import { DUMP_REQUESTED } from '../minidump/format/structs.js';
import { Platform } from '../minidump/format/system.js';
import { type AuxvEntry, parseAuxv } from '../minidump/reader/linux-streams.js';
import { encodeRawRegisters } from '../minidump/reader/raw-registers.js';
import type { MinidumpRegion } from '../minidump/reader/regions.js';
import { encodeJson, type SoftErrorRecord } from '../minidump/reader/vendor.js';
import {
  type CopyRange,
  DEFAULT_BUDGET,
  type DumpBudget,
  isOverflowed,
  OVERFLOW_REACH,
  type PlanThread,
  planCopy,
} from '../minidump/writer/copy-plan.js';
import { memoryInfoFromMaps } from '../minidump/writer/memory-info-from-maps.js';
import { MinidumpWriter } from '../minidump/writer/writer.js';
import type { CoreFile, CoreThread } from './core-file.js';
import { type FileOf, modulesOfMemory } from './core-modules.js';
import { dsoDebugSection, findDsoDebug } from './dso-debug.js';
import { mapsOfCore } from './maps-of-core.js';
import { RecordingMemory } from './recording-memory.js';
import { contextOf } from './registers.js';
import { convertSiginfo, SIGINFO_SIZE, siginfoAddress } from './siginfo.js';

export interface CoreConversion {
  /** Seconds since the epoch: when the core was written. */
  readonly timestamp: number;
  /** Keep all memory that the core has. */
  readonly full: boolean;
  readonly budget?: DumpBudget;
  /** Where the files are at hand that the core names: for what the core did not keep of them. */
  readonly fileOf?: FileOf;
}

export interface ConvertedCore {
  /** The minidump but for the deferred memory. */
  readonly chunks: readonly Uint8Array[];
  /** Parts of the core file that follow, in order. Empty unless `full`. */
  readonly deferred: readonly MinidumpRegion[];
  readonly softErrors: readonly SoftErrorRecord[];
}

const NEAR_BEFORE = 256;
const NEAR_AFTER = 512;
/** Later versions of the dynamic linker's structures are longer than what is read of them. */
const LINKER_MARGIN = 64;
const FIRST_PAGE = 4096;
/** The vdso has no file: all of it, a few pages, is kept. */
const VDSO_SIZE = 16 * 1024;

export function coreToMinidump(
  core: CoreFile,
  { timestamp, full, budget = DEFAULT_BUDGET, fileOf }: CoreConversion,
): ConvertedCore {
  const { arch } = core;
  const writer = new MinidumpWriter(timestamp);
  const auxv = core.auxv === null ? [] : parseAuxv(core.auxv, arch.wordSize, true);
  const maps = mapsOfCore(core, auxv);
  const { mappings } = parseMaps(maps);
  const modules = modulesOfMemory(mappings, core.memory, wordOf(auxv, Auxv.AT_ENTRY), fileOf);
  for (const module of modules) writer.addModule(module);
  addProcess(writer, core);
  writer.setSystem({ architecture: arch.minidumpArch, cpuCount: 0, platform: Platform.linux, osText: 'Linux' });
  writer.setMemoryInfo(memoryInfoFromMaps(mappings));
  writer.addStream(StreamType.linuxMaps, maps);
  if (core.auxv !== null) writer.addStream(StreamType.linuxAuxv, core.auxv);
  const raw = core.threads.map(({ tid, general }) => ({ tid, bytes: general }));
  writer.addStream(StreamType.debuggerdRawRegisters, encodeRawRegisters(raw));

  // A debugger finds the libraries by the dynamic linker's list, in memory.
  const linker = new RecordingMemory(core.memory);
  const debug = findDsoDebug(linker, auxv, arch.wordSize);
  if (debug !== null) writer.addSection(dsoDebugSection(debug, arch.wordSize));

  const vdso = wordOf(auxv, Auxv.AT_SYSINFO_EHDR);
  const firstPart = (base: number): number => (base === vdso ? VDSO_SIZE : FIRST_PAGE);
  const contexts = core.threads.map((thread) => contextOf(arch, thread));
  const plan = planCopy(
    {
      threads: core.threads.map((thread) => stackOf(core, thread)),
      near: nearRegisters(core, core.threads[0]!),
      rest: [
        ...linker.ranges.flatMap(({ address, size }) =>
          clip(core, address - LINKER_MARGIN, address + size + LINKER_MARGIN),
        ),
        ...modules.flatMap(({ base, size }) => clip(core, base, base + Math.min(size, firstPart(base)))),
      ],
      fixedBytes: FIXED + writer.size + contexts.reduce((sum, { length }) => sum + length + FIXED_PER_THREAD, 0),
    },
    budget,
  );
  core.threads.forEach(({ tid }, i) => {
    const range = plan.stacks[i] ?? null;
    const bytes = range === null ? new Uint8Array(0) : readGrowing(core.memory, range.address, range.size);
    const stack = range === null || bytes.length === 0 ? null : { address: range.address, bytes };
    writer.addThread({ tid, context: contexts[i]!, stack });
  });
  for (const { address, size } of plan.memory) writer.addMemory(address, readGrowing(core.memory, address, size));
  const softErrors = plan.losses.map((message) => ({ step: 'memory', message }));
  if (softErrors.length > 0) writer.addStream(StreamType.debuggerdSoftErrors, encodeJson(softErrors));
  const deferred = full ? core.memory.regions : [];
  if (full) writer.deferMemory64(deferred);
  return { chunks: writer.finish(), deferred, softErrors };
}

/** Entry of the thread list, and room for what is written after the plan. */
const FIXED_PER_THREAD = 64;
const FIXED = 1024;

function addProcess(writer: MinidumpWriter, core: CoreFile): void {
  const crashed = core.threads[0]!;
  const { wordSize } = core.arch;
  const siginfo = core.siginfo !== null && core.siginfo.length >= SIGINFO_SIZE ? core.siginfo : null;
  const view = siginfo === null ? null : new DataView(siginfo.buffer, siginfo.byteOffset, SIGINFO_SIZE);
  const signal = view?.getInt32(0, true) || crashed.signal;
  writer.setException({
    tid: crashed.tid,
    code: signal > 0 ? signal : DUMP_REQUESTED,
    flags: view?.getInt32(8, true) ?? 0,
    address: siginfo === null ? 0n : siginfoAddress(siginfo, wordSize),
  });
  if (siginfo !== null) writer.addStream(StreamType.debuggerdSiginfo, convertSiginfo(siginfo, wordSize, 8));
  const { process } = core;
  if (process === null) return;
  writer.setMisc({ pid: process.pid });
  if (process.name !== '') writer.addThreadName(process.pid, process.name);
  if (process.arguments !== '') {
    writer.addStream(StreamType.linuxCmdline, Buffer.from(`${process.arguments.split(' ').join('\0')}\0`));
  }
  // What readers look for in /proc/PID/status, as far as the core has it.
  const { pid, ppid, pgrp, sid, uid, gid, name } = process;
  const four = (id: number): string => `${id}\t${id}\t${id}\t${id}`;
  const ids = `Tgid:\t${pid}\nPid:\t${pid}\nPPid:\t${ppid}\nUid:\t${four(uid)}\nGid:\t${four(gid)}\n`;
  const groups = `${pgrp > 0 ? `NSpgid:\t${pgrp}\n` : ''}${sid > 0 ? `NSsid:\t${sid}\n` : ''}`;
  writer.addStream(StreamType.linuxProcStatus, Buffer.from(`Name:\t${name.replaceAll('\n', '\\n')}\n${ids}${groups}`));
}

function wordOf(auxv: readonly AuxvEntry[], type: number): number {
  return Number(auxv.find((entry) => entry.type === type)?.value ?? 0n);
}

/** From a little below sp to the end of what the core has there. */
function stackOf(core: CoreFile, thread: CoreThread): PlanThread {
  const { arch } = core;
  const sp = register(thread, arch.registers[arch.sp]!.prstatus);
  const wanted = Math.max(0, sp - arch.redZone - 16 * arch.wordSize);
  const from = wanted - (wanted % arch.wordSize);
  // sp may have left the stack: what follows it closely is the stack.
  const region = core.memory.regions.find(({ address, size }) => address + size > sp && address <= sp + OVERFLOW_REACH);
  if (region === undefined) return { tid: thread.tid, from: 0, to: 0 };
  const to = endOfRun(core, region);
  const overflowed = isOverflowed(sp, region.address);
  return { tid: thread.tid, from: Math.max(from, region.address), to, ...(overflowed && { overflowed }) };
}

/** Regions of one mapping may lie side by side in the file's memory list; a stack is never more than its mapping. */
function endOfRun(core: CoreFile, region: MinidumpRegion): number {
  const segment = core.segments.find(
    ({ address, memorySize }) => region.address >= address && region.address < address + memorySize,
  );
  const end = region.address + region.size;
  return segment === undefined ? end : Math.min(end, segment.address + segment.fileSize);
}

function register(thread: CoreThread, place: Field | null): number {
  if (place === null || place.size === 2) return 0;
  const view = new DataView(thread.general.buffer, thread.general.byteOffset, thread.general.length);
  return place.size === 4 ? view.getUint32(place.offset, true) : Number(view.getBigUint64(place.offset, true));
}

function nearRegisters(core: CoreFile, thread: CoreThread): CopyRange[] {
  const order = (arch: Arch) => [arch.registers[arch.pc]!, ...arch.registers];
  return order(core.arch).flatMap(({ prstatus }) => {
    const value = register(thread, prstatus);
    const word = value - (value % 16);
    return value === 0 ? [] : clip(core, Math.max(0, word - NEAR_BEFORE), word + NEAR_AFTER);
  });
}

/** The parts of [from, to) that the core has. */
function clip(core: CoreFile, from: number, to: number): CopyRange[] {
  const parts: CopyRange[] = [];
  for (const { address, size } of core.memory.regions) {
    if (address >= to) break;
    const start = Math.max(from, address);
    const end = Math.min(to, address + size);
    if (end > start) parts.push({ address: start, size: end - start });
  }
  return parts;
}
