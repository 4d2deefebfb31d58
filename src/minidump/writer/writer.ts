/**
 * Makes a little-endian minidump out of bytes that were already copied. Built for a tracer that holds its target
 * frozen: adding keeps references and copies nothing; `finish` allocates one block for header and tables and returns it
 * in front of the caller's own buffers, ready for writev. Layout: header, directory, tables and texts, then contexts,
 * stacks, memory, raw streams; all on multiples of 8.
 */

import type {
  DeferredRange,
  ExceptionRecord,
  HandleRecord,
  MemoryBlock,
  MemoryInfoRecord,
  MiscRecord,
  ModuleRecord,
  SystemRecord,
  ThreadRecord,
  UnloadedModuleRecord,
} from '../format/records.js';
import { StreamType } from '../format/stream-types.js';
import {
  DIRECTORY,
  HEADER,
  MEMORY_DESCRIPTOR,
  MEMORY64_DESCRIPTOR,
  MEMORY64_HEADER,
  SIGNATURE,
  THREAD,
  VERSION,
} from '../format/structs.js';
import { disjointPieces } from './memory-union.js';
import {
  align8,
  exceptionSection,
  handleSection,
  memoryInfoSection,
  miscSection,
  moduleSection,
  Output,
  type Section,
  systemSection,
  threadNameSection,
  unloadedModuleSection,
} from './sections.js';

const PADDING = Buffer.alloc(8);

interface Blob {
  readonly bytes: Uint8Array;
  rva: number;
}

interface Layout {
  readonly sections: readonly Section[];
  readonly streams: readonly { readonly type: number; readonly blob: Blob }[];
  /** Size of header, directory and sections. */
  readonly headSize: number;
  readonly blobs: readonly Blob[];
  /** End of the last blob: the size of the file without deferred memory. */
  readonly end: number;
}

export class MinidumpWriter {
  readonly #timestamp: number;
  readonly #threads: ThreadRecord[] = [];
  readonly #names: { tid: number; name: string }[] = [];
  readonly #modules: ModuleRecord[] = [];
  readonly #unloaded: UnloadedModuleRecord[] = [];
  readonly #memory: MemoryBlock[] = [];
  readonly #handles: HandleRecord[] = [];
  readonly #raw: { type: number; bytes: Uint8Array }[] = [];
  readonly #sections: Section[] = [];
  #memoryInfo: readonly MemoryInfoRecord[] | null = null;
  #deferred: readonly DeferredRange[] | null = null;
  #exception: ExceptionRecord | null = null;
  #system: SystemRecord | null = null;
  #misc: MiscRecord | null = null;
  #layout: Layout | null = null;

  /** `timestamp`: seconds since the epoch. */
  constructor(timestamp: number) {
    this.#timestamp = Math.floor(timestamp);
  }

  /** Threads are listed in the order in which they are added: the crashed one first. */
  addThread(thread: ThreadRecord): void {
    this.#layout = null;
    this.#threads.push(thread);
  }

  addThreadName(tid: number, name: string): void {
    this.#layout = null;
    this.#names.push({ tid, name });
  }

  /** The main program first. */
  addModule(module: ModuleRecord): void {
    this.#layout = null;
    this.#modules.push(module);
  }

  addUnloadedModule(module: UnloadedModuleRecord): void {
    this.#layout = null;
    this.#unloaded.push(module);
  }

  /** Memory besides the stacks. What an earlier block or a stack covers is stored once. */
  addMemory(address: number, bytes: Uint8Array): void {
    this.#layout = null;
    this.#memory.push({ address, bytes });
  }

  addHandle(handle: HandleRecord): void {
    this.#layout = null;
    this.#handles.push(handle);
  }

  /** A stream of bytes as they are. The same type twice gives two directory entries: readers see the first. */
  addStream(type: number, bytes: Uint8Array): void {
    this.#layout = null;
    this.#raw.push({ type, bytes });
  }

  /** A stream that needs to know where it lies (see dso-debug.ts). */
  addSection(section: Section): void {
    this.#layout = null;
    this.#sections.push(section);
  }

  setException(exception: ExceptionRecord): void {
    this.#layout = null;
    this.#exception = exception;
  }

  setSystem(system: SystemRecord): void {
    this.#layout = null;
    this.#system = system;
  }

  setMisc(misc: MiscRecord): void {
    this.#layout = null;
    this.#misc = misc;
  }

  setMemoryInfo(entries: readonly MemoryInfoRecord[]): void {
    this.#layout = null;
    this.#memoryInfo = entries;
  }

  /**
   * Promises a memory64 list of these disjoint ranges, ascending. Their bytes follow the chunks of `finish`
   * immediately, in this order and whole; the caller writes them (zeros for what cannot be read).
   */
  deferMemory64(ranges: readonly DeferredRange[]): void {
    this.#layout = null;
    this.#deferred = ranges;
  }

  /** The size in bytes that the file has if nothing more is added, deferred memory included. */
  get size(): number {
    const deferred = this.#deferred?.reduce((sum, range) => sum + range.size, 0) ?? 0;
    return this.#plan().end + deferred;
  }

  /**
   * The file, in order: first header and tables, then the buffers that were given and padding between them. Throws
   * RangeError when offsets do not fit in 32 bits.
   */
  finish(): Uint8Array[] {
    const layout = this.#plan();
    if (layout.end > 0xffffffff) throw new RangeError(`a minidump of ${layout.end} bytes: its offsets have 32 bits`);
    const out = new Output(layout.headSize);
    const count = layout.sections.length + layout.streams.length;
    out.struct(0, HEADER, { signature: SIGNATURE, version: VERSION, streamCount: count, directoryRva: HEADER.size });
    out.struct(0, HEADER, { timestamp: this.#timestamp });
    let entry = HEADER.size;
    let rva = align8(HEADER.size + DIRECTORY.size * count);
    for (const section of layout.sections) {
      out.struct(entry, DIRECTORY, { type: section.type, size: section.streamSize, rva });
      section.write(out, rva);
      entry += DIRECTORY.size;
      rva += align8(section.size);
    }
    for (const { type, blob } of layout.streams) {
      out.struct(entry, DIRECTORY, { type, size: blob.bytes.length, rva: blob.rva });
      entry += DIRECTORY.size;
    }
    const chunks: Uint8Array[] = [out.bytes];
    for (const { bytes } of layout.blobs) {
      if (bytes.length > 0) chunks.push(bytes);
      if (bytes.length % 8 !== 0) chunks.push(PADDING.subarray(bytes.length % 8));
    }
    return chunks;
  }

  #plan(): Layout {
    this.#layout ??= this.#arrange();
    return this.#layout;
  }

  #arrange(): Layout {
    const blobs: Blob[] = [];
    const blob = (bytes: Uint8Array): Blob => {
      const made = { bytes, rva: 0 };
      blobs.push(made);
      return made;
    };
    const contexts = this.#threads.map(({ context }) => (context === null ? null : blob(context)));
    const stacks = this.#threads.map(({ stack }) => (stack === null ? null : blob(stack.bytes)));
    const sections: Section[] = [
      threadSection(this.#threads, contexts, stacks),
      moduleSection(this.#modules),
      this.#memorySection(stacks, blob),
    ];
    let end = 0;
    if (this.#exception !== null) {
      const index = this.#threads.findIndex(({ tid }) => tid === this.#exception?.tid);
      const context = index < 0 ? null : (contexts[index] ?? null);
      sections.push(
        exceptionSection(this.#exception, () => context && { rva: context.rva, size: context.bytes.length }),
      );
    }
    if (this.#system !== null) sections.push(systemSection(this.#system));
    if (this.#misc !== null) sections.push(miscSection(this.#misc));
    if (this.#memoryInfo !== null) sections.push(memoryInfoSection(this.#memoryInfo));
    if (this.#names.length > 0) sections.push(threadNameSection(this.#names));
    if (this.#handles.length > 0) sections.push(handleSection(this.#handles));
    if (this.#unloaded.length > 0) sections.push(unloadedModuleSection(this.#unloaded));
    if (this.#deferred !== null) sections.push(memory64Section(this.#deferred, () => end));
    sections.push(...this.#sections);
    const streams = this.#raw.map(({ type, bytes }) => ({ type, blob: blob(bytes) }));

    let rva = align8(HEADER.size + DIRECTORY.size * (sections.length + streams.length));
    for (const section of sections) rva += align8(section.size);
    const headSize = rva;
    for (const each of blobs) {
      each.rva = rva;
      rva += align8(each.bytes.length);
    }
    end = rva;
    return { sections, streams, headSize, blobs, end };
  }

  /** Stacks are whole blobs of their threads; their descriptors point into them. */
  #memorySection(stacks: readonly (Blob | null)[], blob: (bytes: Uint8Array) => Blob): Section {
    const blocks: MemoryBlock[] = [];
    const owners: Blob[] = [];
    this.#threads.forEach(({ stack }, i) => {
      const owner = stacks[i];
      if (stack === null || !owner) return;
      blocks.push(stack);
      owners.push(owner);
    });
    const stackCount = blocks.length;
    blocks.push(...this.#memory);
    const entries = disjointPieces(blocks).map(({ address, size, block, offset }) => {
      if (block < stackCount) return { address, size, owner: owners[block]!, offset };
      return { address, size, owner: blob(blocks[block]!.bytes.subarray(offset, offset + size)), offset: 0 };
    });
    const size = 4 + MEMORY_DESCRIPTOR.size * entries.length;
    return {
      type: StreamType.memoryList,
      streamSize: size,
      size,
      write(out, rva) {
        out.u32(rva, entries.length);
        entries.forEach(({ address, size, owner, offset }, i) => {
          const at = rva + 4 + MEMORY_DESCRIPTOR.size * i;
          out.struct(at, MEMORY_DESCRIPTOR, { start: address, size, rva: owner.rva + offset });
        });
      },
    };
  }
}

function threadSection(
  threads: readonly ThreadRecord[],
  contexts: readonly (Blob | null)[],
  stacks: readonly (Blob | null)[],
): Section {
  const size = 4 + THREAD.size * threads.length;
  return {
    type: StreamType.threadList,
    streamSize: size,
    size,
    write(out, rva) {
      out.u32(rva, threads.length);
      threads.forEach((thread, i) => {
        const context = contexts[i] ?? null;
        const stack = stacks[i] ?? null;
        out.struct(rva + 4 + THREAD.size * i, THREAD, {
          tid: thread.tid,
          priority: thread.priority ?? 0,
          stackStart: thread.stack?.address ?? 0,
          stackSize: stack?.bytes.length ?? 0,
          stackRva: stack?.rva ?? 0,
          contextSize: context?.bytes.length ?? 0,
          contextRva: context?.rva ?? 0,
        });
      });
    },
  };
}

/** `baseRva`: where the ranges' bytes begin. */
export function memory64Section(ranges: readonly DeferredRange[], baseRva: () => number): Section {
  const size = MEMORY64_HEADER.size + MEMORY64_DESCRIPTOR.size * ranges.length;
  return {
    type: StreamType.memory64List,
    streamSize: size,
    size,
    write(out, rva) {
      out.struct(rva, MEMORY64_HEADER, { count: ranges.length, baseRva: baseRva() });
      ranges.forEach((range, i) => {
        const at = rva + MEMORY64_HEADER.size + MEMORY64_DESCRIPTOR.size * i;
        out.struct(at, MEMORY64_DESCRIPTOR, { start: range.address, size: range.size });
      });
    },
  };
}
