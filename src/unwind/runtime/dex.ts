/** The dex files of a process, found through the runtime's list. */
import type { Arch } from '../../arch/arch.js';
import { type ByteSource, SliceSource } from '../../bytes/byte-source.js';
import type { Memory } from '../../bytes/memory.js';
import { MemorySource } from '../../bytes/memory-source.js';
import type { FunctionAt } from '../../symbols/provider.js';
import type { Mapping } from '../mapping.js';
import type { DexSource } from '../module.js';
import { readDebugList } from './debug-list.js';
import { DexFile } from './dex-file.js';
import { debugListLayout } from './jit.js';

export interface DexFilesOptions {
  readonly arch: Arch;
  readonly memory: Memory;
  /** In order of address. */
  readonly mappings: readonly Mapping[];
  /** The whole file behind a mapping; null when there is none. */
  readonly file: (mapping: Mapping) => ByteSource | null;
  /** Addresses where `__dex_debug_descriptor` may be, the best first. Asked once. */
  readonly descriptors: () => Iterable<number>;
  /**
   * Whether dex files that are in no list are looked for in the mapping that a dex pc is in (.vdex, .odex, .apk,
   * memory). Android's unwinder does not do it.
   * @default true
   */
  readonly scan?: boolean;
}

/** A dex file and the address of its header. */
interface LoadedDex {
  readonly address: number;
  readonly size: number;
  readonly dex: DexFile;
}

/** Bytes before a mapping's end that are searched for dex files, and how many are taken from there. */
const SCAN_SIZE = 64 << 20;
const SCAN_CHUNK = 1 << 20;
const MAX_FOUND = 64;
const MAGICS = [Buffer.from('dex\n0'), Buffer.from('cdex0')];

/**
 * Names for dex pcs, the addresses in dex files at which Android's interpreter is. The runtime lists its dex files as
 * gdb's JIT interface lists ELF images. Their bytes are taken from the mapped file where there is one, else from
 * memory.
 */
export class DexFiles implements DexSource {
  readonly #options: DexFilesOptions;
  #listed: readonly { readonly address: number; readonly size: number }[] | null = null;
  readonly #opened = new Map<number, LoadedDex | null>();
  readonly #scanned = new Map<Mapping, readonly LoadedDex[]>();

  constructor(options: DexFilesOptions) {
    this.#options = options;
  }

  functionAt(dexPc: number): FunctionAt | null {
    this.#listed ??= this.#list();
    for (const { address, size } of this.#listed) {
      if (dexPc < address || dexPc - address >= size) continue;
      const found = this.#open(address)?.dex.functionAt(dexPc - address);
      if (found) return found;
    }
    if (this.#options.scan === false) return null;
    const mapping = this.#mappingAt(dexPc);
    if (mapping === null) return null;
    for (const { address, dex } of this.#scan(mapping)) {
      const found = dexPc < address ? null : dex.functionAt(dexPc - address);
      if (found !== null) return found;
    }
    return null;
  }

  #list(): readonly { readonly address: number; readonly size: number }[] {
    const { arch, memory } = this.#options;
    for (const descriptor of this.#options.descriptors()) {
      const list = readDebugList(memory, descriptor, debugListLayout(arch));
      if (list !== null) return list.entries;
    }
    return [];
  }

  #open(address: number): LoadedDex | null {
    let loaded = this.#opened.get(address);
    if (loaded === undefined) {
      const mapping = this.#mappingAt(address);
      const dex = mapping === null ? null : this.#parse(mapping, address);
      loaded = dex === null ? null : { address, size: dex.size, dex };
      this.#opened.set(address, loaded);
    }
    return loaded;
  }

  #parse(mapping: Mapping, address: number): DexFile | null {
    for (const source of this.#sources(mapping)) {
      const dex = DexFile.parse(source, address - mapping.start);
      if (dex !== null) return dex;
    }
    return null;
  }

  /** The bytes from a mapping's start on: of its file, of memory. */
  #sources(mapping: Mapping): ByteSource[] {
    const range = { offset: 0, address: mapping.start, size: mapping.end - mapping.start };
    const memory = new MemorySource(this.#options.memory, [range]);
    const file = mapping.name === '' ? null : this.#options.file(mapping);
    return file === null ? [memory] : [new SliceSource(file, mapping.offset), memory];
  }

  #scan(mapping: Mapping): readonly LoadedDex[] {
    let found = this.#scanned.get(mapping);
    if (found === undefined) {
      found = this.#search(mapping);
      this.#scanned.set(mapping, found);
    }
    return found;
  }

  #search(mapping: Mapping): readonly LoadedDex[] {
    const size = mapping.end - mapping.start;
    for (const source of this.#sources(mapping)) {
      const found: LoadedDex[] = [];
      for (const offset of headers(source, Math.max(0, size - SCAN_SIZE), size)) {
        const dex = DexFile.parse(source, offset);
        if (dex !== null) found.push({ address: mapping.start + offset, size: dex.size, dex });
        if (found.length === MAX_FOUND) break;
      }
      if (found.length > 0) return found;
    }
    return [];
  }

  #mappingAt(address: number): Mapping | null {
    const { mappings } = this.#options;
    let low = 0;
    let high = mappings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (mappings[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const mapping = mappings[low - 1];
    return mapping !== undefined && address < mapping.end ? mapping : null;
  }
}

/** Offsets at which a dex header may begin: they are aligned to 4 bytes. */
function* headers(source: ByteSource, from: number, to: number): Generator<number> {
  for (let at = from; at < to; at += SCAN_CHUNK) {
    const view = source.bytes(at, Math.min(SCAN_CHUNK + 8, to - at));
    const chunk = Buffer.from(view.buffer, view.byteOffset, view.length);
    const places: number[] = [];
    for (const magic of MAGICS) {
      for (let place = chunk.indexOf(magic); place >= 0; place = chunk.indexOf(magic, place + 4)) {
        if (place < SCAN_CHUNK && (at + place) % 4 === 0) places.push(at + place);
      }
    }
    yield* places.sort((a, b) => a - b);
    if (chunk.length === 0) return;
  }
}
