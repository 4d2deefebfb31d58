/**
 * An ELF core file of Linux: its threads with their register sets, what the kernel said of the process, and its memory.
 * Nothing is read but headers and notes; memory is read when asked for, so a core may be larger than memory. Little
 * endian only.
 */
import type { Arch } from '../arch/arch.js';
import { byElfMachine } from '../arch/index.js';
import type { ByteSource } from '../bytes/byte-source.js';
import { LittleEndian } from '../bytes/little-endian.js';
import { readStruct } from '../bytes/struct.js';
import { DumpMemory } from '../minidump/reader/dump-memory.js';
import { PN_XNUM, SegmentType } from '../objects/elf/layout.js';
import { CoreError } from './core-error.js';
import { ARGUMENTS_SIZE, ET_CORE, LAYOUTS, NAME_SIZE, NoteType, OWNER_CORE } from './layout.js';
import { type Note, notesOf } from './notes.js';
import type { RegisterSets } from './registers.js';

export interface CoreThread extends RegisterSets {
  readonly tid: number;
  readonly ppid: number;
  /** The signal that this thread was stopped by; 0: none. */
  readonly signal: number;
}

export interface CoreSegment {
  readonly address: number;
  readonly memorySize: number;
  /** Offset and bytes in the file; the rest of the segment was not dumped. */
  readonly offset: number;
  readonly fileSize: number;
  /** SegmentFlag bits. */
  readonly flags: number;
}

/** An entry of NT_FILE. */
export interface CoreMappedFile {
  readonly start: number;
  readonly end: number;
  /** Bytes. */
  readonly offset: number;
  readonly name: string;
}

export interface CoreProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly sid: number;
  readonly uid: number;
  readonly gid: number;
  /** comm of the main thread. */
  readonly name: string;
  /** At most 80 bytes of the arguments, joined by spaces. */
  readonly arguments: string;
}

const MAX_SEGMENTS = 1 << 20;
const MAX_THREADS = 65536;
const MAX_FILES = 1 << 20;
/** Register sets, auxv: no note but NT_FILE is larger; XSAVE areas have 11 KiB. */
const MAX_NOTE = 64 * 1024;
const MAX_FILE_NOTE = 64 * 1024 * 1024;

export class CoreFile {
  readonly source: ByteSource;
  readonly arch: Arch;
  readonly segments: readonly CoreSegment[];
  /** In the file's order: the thread that crashed first. */
  readonly threads: readonly CoreThread[];
  readonly process: CoreProcess | null;
  /** In the layout of the process's word size. */
  readonly siginfo: Uint8Array | null;
  readonly auxv: Uint8Array | null;
  readonly files: readonly CoreMappedFile[];
  readonly memory: DumpMemory;

  private constructor(source: ByteSource, arch: Arch, segments: readonly CoreSegment[], notes: NoteReader) {
    this.source = source;
    this.arch = arch;
    this.segments = segments;
    this.threads = notes.threads;
    this.process = notes.process;
    this.siginfo = notes.siginfo;
    this.auxv = notes.auxv;
    this.files = notes.files;
    this.memory = new DumpMemory(
      source,
      segments.map(({ address, offset, fileSize }) => ({ address, size: fileSize, rva: offset })),
    );
  }

  /** Throws CoreError when this is no core file that we read. */
  static open(source: ByteSource): CoreFile {
    const ident = source.bytes(0, 64);
    if (ident.length < 52 || ident[0] !== 0x7f || Buffer.from(ident.subarray(1, 4)).toString('latin1') !== 'ELF') {
      throw new CoreError('not an ELF file');
    }
    if (ident[5] !== 1) throw new CoreError('cores of big-endian machines are not read');
    const wordSize = ident[4] === 2 ? 8 : ident[4] === 1 ? 4 : null;
    if (wordSize === null) throw new CoreError(`ELF class ${ident[4]} is neither 32 nor 64 bits`);
    const layout = LAYOUTS[wordSize];
    if (ident.length < layout.header.size) throw new CoreError(`the ELF header needs ${layout.header.size} bytes`);
    const header = readStruct(viewOf(ident), 0, layout.header, true);
    if (header.type !== ET_CORE) throw new CoreError('an ELF file, but not a core');
    const arch = byElfMachine(header.machine);
    if (arch === null || arch.wordSize !== wordSize) {
      throw new CoreError(`cores of machine ${header.machine} with ${wordSize * 8} bits are not read`);
    }
    const notes = new NoteReader(source, arch);
    const segments: CoreSegment[] = [];
    for (const segment of programHeaders(source, wordSize, header)) {
      if (segment.type === SegmentType.note) notes.read(segment.offset, segment.filesz);
      if (segment.type !== SegmentType.load) continue;
      segments.push({
        address: segment.vaddr,
        memorySize: segment.memsz,
        offset: segment.offset,
        fileSize: Math.min(segment.filesz, segment.memsz),
        flags: segment.flags,
      });
    }
    if (notes.threads.length === 0) throw new CoreError('the core has no registers of any thread');
    segments.sort((a, b) => a.address - b.address);
    return new CoreFile(source, arch, segments, notes);
  }
}

interface HeaderPlaces {
  readonly phoff: number;
  readonly phnum: number;
  readonly phentsize: number;
  readonly shoff: number;
}

function* programHeaders(source: ByteSource, wordSize: 4 | 8, header: HeaderPlaces) {
  const { segment: program, section } = LAYOUTS[wordSize];
  let count = header.phnum;
  if (count === PN_XNUM) {
    const first = source.bytes(header.shoff, section.size);
    if (first.length < section.size) throw new CoreError('the section header that counts the segments is missing');
    count = readStruct(viewOf(first), 0, section, true).info;
  }
  if (header.phentsize < program.size) throw new CoreError(`program headers of ${header.phentsize} bytes`);
  if (count > MAX_SEGMENTS) throw new CoreError(`${count} segments are more than the limit of ${MAX_SEGMENTS}`);
  for (let i = 0; i < count; i++) {
    const bytes = source.bytes(header.phoff + i * header.phentsize, program.size);
    if (bytes.length < program.size) {
      throw new CoreError(`${count} program headers at ${header.phoff}: the file ends after ${i}`);
    }
    yield readStruct(viewOf(bytes), 0, program, true);
  }
}

class NoteReader {
  readonly threads: CoreThread[] = [];
  process: CoreProcess | null = null;
  siginfo: Uint8Array | null = null;
  auxv: Uint8Array | null = null;
  files: CoreMappedFile[] = [];
  readonly #source: ByteSource;
  readonly #arch: Arch;

  constructor(source: ByteSource, arch: Arch) {
    this.#source = source;
    this.#arch = arch;
  }

  /** Register sets follow the NT_PRSTATUS of their thread. */
  read(offset: number, size: number): void {
    let others = new Map<number, Uint8Array>();
    for (const note of notesOf(this.#source, offset, size)) {
      if (note.owner === OWNER_CORE) {
        if (note.type === NoteType.prstatus) {
          others = new Map();
          this.#addThread(note, others);
          continue;
        }
        if (this.#ofProcess(note)) continue;
      }
      if (this.threads.length > 0 && note.size <= MAX_NOTE) others.set(note.type, this.#bytes(note));
    }
  }

  #bytes({ offset, size }: Note): Uint8Array {
    return this.#source.bytes(offset, size);
  }

  #ofProcess(note: Note): boolean {
    switch (note.type) {
      case NoteType.prpsinfo:
        this.process ??= this.#process(note);
        return true;
      case NoteType.siginfo:
        if (note.size <= MAX_NOTE) this.siginfo ??= this.#bytes(note);
        return true;
      case NoteType.auxv:
        if (note.size <= MAX_NOTE) this.auxv ??= this.#bytes(note);
        return true;
      case NoteType.file:
        if (note.size <= MAX_FILE_NOTE && this.files.length === 0)
          this.files = parseFiles(this.#bytes(note), this.#arch.wordSize);
        return true;
      default:
        return false;
    }
  }

  #addThread(note: Note, others: ReadonlyMap<number, Uint8Array>): void {
    const { prstatus } = LAYOUTS[this.#arch.wordSize];
    const bytes = this.#bytes({ ...note, size: Math.min(note.size, MAX_NOTE) });
    if (bytes.length < prstatus.size + this.#arch.prstatusSize || this.threads.length >= MAX_THREADS) return;
    const { pid, ppid, currentSignal } = readStruct(viewOf(bytes), 0, prstatus, true);
    const general = bytes.subarray(prstatus.size, prstatus.size + this.#arch.prstatusSize);
    this.threads.push({ tid: pid, ppid, signal: currentSignal, general, others });
  }

  #process(note: Note): CoreProcess | null {
    const { prpsinfo, texts } = LAYOUTS[this.#arch.wordSize];
    const bytes = this.#bytes({ ...note, size: Math.min(note.size, MAX_NOTE) });
    if (bytes.length < prpsinfo.size) return null;
    const { pid, ppid, pgrp, sid, uid, gid } = readStruct(viewOf(bytes), 0, prpsinfo, true);
    const data = new LittleEndian(bytes);
    return {
      pid,
      ppid,
      pgrp,
      sid,
      uid,
      gid,
      name: data.text(texts.name, NAME_SIZE),
      arguments: data.text(texts.arguments, ARGUMENTS_SIZE).trimEnd(),
    };
  }
}

/** NT_FILE: {count, page size}, count x {start, end, offset in pages}, then as many NUL-ended names. */
function parseFiles(bytes: Uint8Array, wordSize: 4 | 8): CoreMappedFile[] {
  const data = new LittleEndian(bytes);
  const count = data.word(0, wordSize);
  const pageSize = data.word(wordSize, wordSize);
  const files: CoreMappedFile[] = [];
  const table = 2 * wordSize;
  let name = table + count * 3 * wordSize;
  if (!(count <= MAX_FILES && name <= bytes.length && pageSize > 0 && pageSize <= 1 << 30)) return [];
  for (let i = 0; i < count; i++) {
    const at = table + i * 3 * wordSize;
    const end = bytes.indexOf(0, name);
    if (end < 0) break;
    const start = data.word(at, wordSize);
    const stop = data.word(at + wordSize, wordSize);
    const offset = data.word(at + 2 * wordSize, wordSize) * pageSize;
    if (start < stop && Number.isSafeInteger(stop) && Number.isSafeInteger(offset)) {
      files.push({ start, end: stop, offset, name: Buffer.from(bytes.subarray(name, end)).toString('utf8') });
    }
    name = end + 1;
  }
  return files;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
