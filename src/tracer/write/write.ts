/** Lays out the copy as a minidump in a sealed memfd: what happens after the target was let go. */
import { writevSync } from 'node:fs';
import { Auxv } from '../../linux/auxv.js';
import type { MapsEntry } from '../../linux/maps.js';
import { DUMP_REQUESTED } from '../../minidump/format/structs.js';
import { type ModuleOfMaps, modulesFromMaps } from '../../minidump/writer/modules-from-maps.js';
import { MinidumpWriter } from '../../minidump/writer/writer.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { version } from '../../platform/version.js';
import { auxvValue } from '../capture/auxv.js';
import type { CopiedMemory } from '../capture/copy.js';
import { moduleBytes } from '../capture/dump-budget.js';
import type { RegisterFiles } from '../capture/registers.js';
import { faultAddress, signalCode, signalNumber } from '../capture/siginfo.js';
import type { CopiedProcess } from './copied-process.js';
import { redact, withoutRange } from './redact.js';
import { addOptionalStreams, addStreams } from './streams.js';
import { systemRecord } from './system-info.js';

/** Bytes of a module's entry, and of its name besides the characters. */
const MODULE_ENTRY = 108 + 16;
const TICKS_PER_SECOND = 100;

export interface Written {
  readonly fd: number;
  readonly bytes: number;
  readonly writer: MinidumpWriter;
}

/** The descriptor and its size in bytes. Whoever gets it can be sure that nobody changes it any more. */
export function writeCopy(addon: TracingAddon, copy: CopiedProcess): Written {
  const writer = layOut(copy);
  const chunks = writer.finish();
  const fd = addon.memfdCreate('debuggerd-copy', { sealing: true });
  try {
    const bytes = writeAll(fd, chunks);
    const { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE } = addon.constants;
    addon.addSeals(fd, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return { fd, bytes, writer };
  } catch (error) {
    addon.closeFd(fd);
    throw error;
  }
}

function layOut(copy: CopiedProcess): MinidumpWriter {
  const { job, arch, prepared, registers, host } = copy;
  const writer = new MinidumpWriter(copy.timeMs / 1000);
  const memory = redacted(copy);
  addThreads(writer, copy, memory);
  for (const { address, bytes } of memory.others) if (bytes.length > 0) writer.addMemory(address, bytes);
  const modules = modulesFromMaps(prepared.mappings, {
    entry: auxvValue(prepared.auxv, arch.wordSize, Auxv.AT_ENTRY),
    isElf: elfPages(memory),
  });
  addModules(writer, modules, copy);
  if (copy.siginfo !== null) {
    writer.setException({
      tid: job.tid,
      code: signalNumber(copy.siginfo),
      flags: signalCode(copy.siginfo),
      address: faultAddress(copy.siginfo) ?? 0n,
    });
  } else {
    const pc = registers.usable(0) ? registers.word(0, arch.pc) : 0n;
    writer.setException({ tid: job.tid, code: DUMP_REQUESTED, flags: 0, address: pc });
  }
  writer.setSystem(systemRecord(host, arch));
  writer.setMisc({
    pid: job.pid,
    utcOffsetMinutes: job.host.utcOffsetMinutes,
    buildString: host.osText,
    debugBuildString: `debuggerd ${version} (linux; ${process.arch})`,
    ...processTimes(copy),
  });
  addStreams(writer, copy);
  addOptionalStreams(writer, copy);
  return writer;
}

/** The memory as far as the configuration lets it into a dump. */
function redacted({ job, arch, prepared, registers, memory }: CopiedProcess): CopiedMemory {
  const { mappings } = prepared;
  const { stat } = prepared.facts;
  const allowed = job.environ === true || stat === null ? memory : withoutRange(memory, stat.environment);
  return job.sanitizeStacks === true ? redact(allowed, arch, mappings, registers) : allowed;
}

function addThreads(writer: MinidumpWriter, copy: CopiedProcess, memory: CopiedMemory): void {
  const { registers, prepared, unstopped, losses } = copy;
  const { whole, listed } = memory.threads;
  const contexts = registers.contexts(whole);
  const tids = [...registers.tids.subarray(0, listed)];
  tids.forEach((tid, index) => {
    if (index >= whole) {
      writer.addThread({ tid, context: null, stack: null });
      return;
    }
    const stack = memory.stacks[index] ?? null;
    const present = stack !== null && stack.bytes.length > 0;
    writer.addThread({ tid, context: contexts[index] ?? null, stack: present ? stack : null });
    if (!registers.usable(index)) losses.add('registers', `thread ${tid}: ${whyUnusable(registers, index)}`);
    else if (!present) losses.add('stack', `thread ${tid}: its sp points to no readable stack`);
  });
  for (const tid of unstopped) writer.addThread({ tid, context: null, stack: null });
  for (const tid of [...tids, ...unstopped]) {
    const name = prepared.nameOf(tid);
    if (name !== null) writer.addThreadName(tid, name);
  }
}

function addModules(writer: MinidumpWriter, modules: readonly ModuleOfMaps[], { job, losses }: CopiedProcess): void {
  let room = moduleBytes(job.limits);
  let lost = 0;
  for (const { base, size, name } of modules) {
    room -= MODULE_ENTRY + 2 * name.length;
    if (room >= 0) writer.addModule({ base, size, name });
    else lost++;
  }
  if (lost > 0) losses.add('modules', `${lost} of ${modules.length} left out: the dump is full`);
}

function whyUnusable(registers: RegisterFiles, index: number): string {
  const size = registers.sizeOf(index);
  return size < 0 ? `errno ${-size}` : `${size} bytes are not what ${registers.arch?.name} has`;
}

/** Tells of a mapping whose first bytes were copied whether they are ELF's magic. */
function elfPages(memory: CopiedMemory): (mapping: MapsEntry) => boolean | null {
  const heads = new Map<number, Buffer>();
  for (const { address, bytes } of memory.others) if (bytes.length >= 4) heads.set(address, bytes);
  return ({ start }) => {
    const head = heads.get(start);
    return head === undefined ? null : head.readUInt32BE(0) === 0x7f454c46;
  };
}

function processTimes({ prepared, host }: CopiedProcess): object {
  const { stat } = prepared.facts;
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
