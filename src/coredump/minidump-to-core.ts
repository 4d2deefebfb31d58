/**
 * A minidump as an ELF core file that gdb and others open: notes in the kernel's order, a segment per captured region,
 * and an empty segment per mapping (or part of one) that was not captured. Head first, then pieces of the dump's file
 * that the caller streams.
 */
import type { Arch } from '../arch/arch.js';
import { byMinidumpArch } from '../arch/index.js';
import { writeStruct } from '../bytes/struct.js';
import type { MapsEntry } from '../linux/maps.js';
import { StreamType } from '../minidump/format/stream-types.js';
import { DUMP_REQUESTED } from '../minidump/format/structs.js';
import { archContext } from '../minidump/reader/contexts.js';
import type { Minidump } from '../minidump/reader/minidump.js';
import type { MinidumpThread } from '../minidump/reader/threads.js';
import { PN_XNUM, SegmentType } from '../objects/elf/layout.js';
import { CoreError } from './core-error.js';
import { ET_CORE, LAYOUTS, NoteType, OWNER_CORE, OWNER_LINUX } from './layout.js';
import { withLibraryList } from './library-list.js';
import { encodeNote } from './notes.js';
import { type CoreRegion, coreSegments, type PlannedSegment } from './planned-segments.js';
import { encodeFiles, encodeProcess, type ProcessNote } from './process-notes.js';
import { type RegisterSets, registerSetsOf } from './registers.js';
import { convertSiginfo, makeSiginfo, SIGINFO_SIZE } from './siginfo.js';

export interface ConvertedMinidump {
  /** Headers, notes and padding: the file up to the first piece. */
  readonly head: Buffer;
  /** What follows, in order: parts of the dump's file, or bytes where a piece has some. */
  readonly pieces: readonly CoreRegion[];
  /** Threads that were left out because the dump has no registers of them. */
  readonly threadsLost: number;
}

const PAGE = 4096;

/** Throws CoreError when the dump is of a CPU or an operating system that has no such cores. */
export function minidumpToCore(dump: Minidump): ConvertedMinidump {
  const arch = archOf(dump);
  const threads = dump.threads ?? [];
  const crashed = dump.exception?.tid ?? dump.breakpadInfo?.requestingTid ?? threads[0]?.tid ?? 0;
  const ordered = [...threads].sort((a, b) => Number(b.tid === crashed) - Number(a.tid === crashed));
  const withRegisters = ordered.flatMap((thread) => {
    const sets = registersOf(dump, arch, thread);
    return sets === null ? [] : [{ thread, sets }];
  });
  if (withRegisters.length === 0) throw new CoreError('the dump has no registers of any thread');
  const maps = dump.maps ?? [];
  const notes = Buffer.concat([...notesOf(dump, arch, withRegisters, maps)]);
  return {
    ...assemble(arch, notes, coreSegments(maps, withLibraryList(dump, maps, dump.memory.regions, arch.wordSize))),
    threadsLost: threads.length - withRegisters.length,
  };
}

function archOf(dump: Minidump): Arch {
  const system = dump.systemInfo;
  if (system === null) throw new CoreError('the dump does not say which CPU it is of: it has no system info');
  const arch = byMinidumpArch(system.architecture);
  if (arch === null || !dump.littleEndian) {
    throw new CoreError(
      `there are no cores of ${system.architectureName ?? `architecture ${system.architecture}`} here`,
    );
  }
  return arch;
}

/** Null when the dump has none, or none that can be read. */
function registersOf(dump: Minidump, arch: Arch, thread: MinidumpThread): RegisterSets | null {
  const bytes = dump.tolerate(() => dump.threadContext(thread), null);
  const context =
    bytes === null ? null : dump.tolerate(() => archContext(`context of thread ${thread.tid}`, arch, bytes), null);
  const raw = dump.tolerate(() => dump.rawRegisters, null)?.get(thread.tid);
  const sets = context === null ? null : registerSetsOf(arch, context);
  // The kernel's own set has what a context lacks: fs_base, orig_rax.
  if (raw?.length === arch.prstatusSize) return { general: raw, others: sets?.others ?? new Map() };
  return sets;
}

/**
 * As the kernel orders them: the crashed thread's PRSTATUS, the process's notes, its other sets, then thread by thread.
 */
function* notesOf(
  dump: Minidump,
  arch: Arch,
  threads: readonly { readonly thread: MinidumpThread; readonly sets: RegisterSets }[],
  maps: readonly MapsEntry[],
): Generator<Buffer> {
  const signal = signalOf(dump);
  const process = encodeProcess(dump, arch.wordSize, threads[0]!.thread.tid);
  for (const [index, { thread, sets }] of threads.entries()) {
    const status = prstatus(arch, thread.tid, process, sets.general, signal);
    yield encodeNote(OWNER_CORE, NoteType.prstatus, status);
    if (index === 0) {
      yield encodeNote(OWNER_CORE, NoteType.prpsinfo, process.bytes);
      yield encodeNote(OWNER_CORE, NoteType.siginfo, siginfoOf(dump, arch, signal));
      const auxv = dump.tolerate(() => dump.stream(StreamType.linuxAuxv), null);
      if (auxv !== null) yield encodeNote(OWNER_CORE, NoteType.auxv, auxv);
      yield encodeNote(OWNER_CORE, NoteType.file, encodeFiles(maps, arch.wordSize));
    }
    for (const [type, bytes] of sets.others) {
      yield encodeNote(type === NoteType.fpregset ? OWNER_CORE : OWNER_LINUX, type, bytes);
    }
  }
}

interface CrashSignal {
  readonly signal: number;
  readonly code: number;
  readonly address: bigint;
}

/** A dump that was asked for has none. */
function signalOf(dump: Minidump): CrashSignal {
  const exception = dump.tolerate(() => dump.exception, null);
  if (exception === null || exception.code === DUMP_REQUESTED || exception.code > 64) {
    return { signal: 0, code: 0, address: 0n };
  }
  return { signal: exception.code, code: exception.flags | 0, address: exception.address };
}

function siginfoOf(dump: Minidump, arch: Arch, { signal, code, address }: CrashSignal): Uint8Array {
  const kept = dump.tolerate(() => dump.siginfo, null);
  if (kept?.length === SIGINFO_SIZE) return convertSiginfo(kept, 8, arch.wordSize);
  return makeSiginfo(signal, code, address, arch.wordSize);
}

function prstatus(
  arch: Arch,
  tid: number,
  { ppid, pgrp, sid }: ProcessNote,
  general: Uint8Array,
  { signal, code }: CrashSignal,
): Buffer {
  const layout = LAYOUTS[arch.wordSize].prstatus;
  const size = layout.size + general.length + 4;
  const bytes = Buffer.alloc(Math.ceil(size / arch.wordSize) * arch.wordSize);
  writeStruct(viewOf(bytes), 0, layout, {
    // As the kernel has it, in every thread: gdb takes the last one's.
    signal,
    code,
    currentSignal: signal,
    pid: tid,
    ppid,
    pgrp,
    sid,
  });
  bytes.set(general, layout.size);
  return bytes;
}

/** Header, program headers, notes; then the captured bytes, one segment after the other, each at a page's begin. */
function assemble(
  arch: Arch,
  notes: Buffer,
  segments: readonly PlannedSegment[],
): { head: Buffer; pieces: CoreRegion[] } {
  const { header: elf, segment: program, section } = LAYOUTS[arch.wordSize];
  const count = segments.length + 1;
  const many = count >= PN_XNUM;
  const sectionAt = elf.size + count * program.size;
  const notesAt = Math.ceil((sectionAt + (many ? section.size : 0)) / 8) * 8;
  const dataAt = Math.ceil((notesAt + notes.length) / PAGE) * PAGE;
  const head = Buffer.alloc(dataAt);
  const view = viewOf(head);
  head.set([0x7f, 0x45, 0x4c, 0x46, arch.wordSize === 8 ? 2 : 1, 1, 1]);
  writeStruct(view, 0, elf, {
    type: ET_CORE,
    machine: arch.elfMachine,
    version: 1,
    phoff: elf.size,
    shoff: many ? sectionAt : 0,
    ehsize: elf.size,
    phentsize: program.size,
    phnum: many ? PN_XNUM : count,
    shentsize: many ? section.size : 0,
    shnum: many ? 1 : 0,
  });
  if (many) writeStruct(view, sectionAt, section, { info: count });
  writeStruct(view, elf.size, program, { type: SegmentType.note, offset: notesAt, filesz: notes.length, align: 4 });
  head.set(notes, notesAt);
  const pieces: CoreRegion[] = [];
  let offset = dataAt;
  segments.forEach(({ address, size, flags, pieces: captured }, i) => {
    const fileSize = captured.reduce((sum, piece) => sum + piece.size, 0);
    writeStruct(view, elf.size + (i + 1) * program.size, program, {
      type: SegmentType.load,
      flags,
      offset,
      vaddr: address,
      filesz: fileSize,
      memsz: size,
      align: 1,
    });
    pieces.push(...captured);
    offset += fileSize;
  });
  return { head, pieces };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
