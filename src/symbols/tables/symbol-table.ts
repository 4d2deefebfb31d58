/** One ELF symbol table, compiled to flat arrays sorted by address. */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { FunctionAt, SymbolSource } from '../provider.js';
import { addressOrder } from './address-order.js';
import { StringTable } from './string-table.js';

/** Where one ELF symbol table and its strings lie, as offsets in the image. */
export interface SymbolTablePlace {
  readonly symbols: number;
  readonly symbolsSize: number;
  /** sh_entsize; at least the size of a symbol of the class. */
  readonly entrySize: number;
  readonly strings: number;
  readonly stringsSize: number;
  /** Relocatable files (ET_REL): the address of each section, which the values of its symbols count from. */
  readonly bases?: readonly number[];
}

/**
 * Elf32_Sym and Elf64_Sym (ELF gABI, "Symbol Table"): where each field lies. Little-endian, as everything here.
 * st_value and st_size are as wide as the class.
 */
const LAYOUT = {
  elf32: { size: 16, name: 0, value: 4, length: 8, info: 12, section: 14 },
  elf64: { size: 24, name: 0, info: 4, section: 6, value: 8, length: 16 },
} as const;

const STB_GLOBAL = 1;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const SHN_UNDEF = 0;

/** More entries than any real file has (Chrome: about 1.5 million); keeps a lying size from taking minutes. */
const MAX_ENTRIES = 8 << 20;
const CHUNK_ENTRIES = 2048;

/**
 * The functions of one ELF symbol table: read once into flat arrays sorted by address, looked up by binary search.
 * Names stay in the file until asked for.
 *
 * As Android has it: functions (and, beyond Android, indirect functions) of any section with a size other than 0; of
 * several at one address the first in the table.
 */
export class SymbolTable implements SymbolSource {
  readonly #bytes: ByteSource;
  readonly #is64: boolean;
  readonly #place: SymbolTablePlace;
  readonly #strings: StringTable;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #names: Uint32Array;
  readonly #texts = new Map<number, string>();

  constructor(bytes: ByteSource, is64: boolean, place: SymbolTablePlace) {
    this.#bytes = bytes;
    this.#is64 = is64;
    this.#place = place;
    this.#strings = new StringTable(bytes, place.strings, place.stringsSize);
    const starts = new Growing(Float64Array);
    const ends = new Growing(Float64Array);
    const names = new Growing(Uint32Array);
    forEachSymbol(bytes, is64, place, (info, value, size, name) => {
      const type = info & 0xf;
      if (type !== STT_FUNC && type !== STT_GNU_IFUNC) return true;
      if (size === 0 || value + size > Number.MAX_SAFE_INTEGER) return true;
      starts.push(value);
      ends.push(value + size);
      names.push(name);
      return true;
    });
    const unsorted = starts.done();
    const order = addressOrder(unsorted);
    let count = 0;
    for (let i = 0; i < order.length; i++) {
      const index = order[i]!;
      if (count > 0 && unsorted[index] === unsorted[order[count - 1]!]) continue;
      order[count++] = index;
    }
    this.#starts = pick(unsorted, order, new Float64Array(count));
    this.#ends = pick(ends.done(), order, new Float64Array(count));
    this.#names = pick(names.done(), order, new Uint32Array(count));
  }

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  /** Functions in the table. */
  get size(): number {
    return this.#starts.length;
  }

  /** Bytes that the arrays take: for a cache's bound. */
  get byteLength(): number {
    return this.#starts.byteLength + this.#ends.byteLength + this.#names.byteLength;
  }

  functionAt(address: number): FunctionAt | null {
    const index = this.find(address);
    if (index < 0) return null;
    const name = this.name(index);
    return name === '' ? null : { name, offset: address - this.#starts[index]! };
  }

  /** The index of the function that contains `address`, or -1. Allocates nothing. */
  find(address: number): number {
    let first = 0;
    let last = this.#starts.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (address < this.#starts[middle]!) last = middle;
      else if (address < this.#ends[middle]!) return middle;
      else first = middle + 1;
    }
    return -1;
  }

  /** Start address of the function with this index. */
  start(index: number): number {
    return this.#starts[index] ?? Number.NaN;
  }

  /** Name of the function with this index, as in the table; '' when it has none. */
  name(index: number): string {
    const known = this.#texts.get(index);
    if (known !== undefined) return known;
    const at = this.#names[index];
    const text = at === undefined ? '' : this.#strings.at(at);
    this.#texts.set(index, text);
    return text;
  }

  /**
   * Value and size of the defined, global object `name` (a variable); null when there is none. Reads the table again.
   */
  global(name: string): { readonly value: number; readonly size: number } | null {
    let found: { value: number; size: number } | null = null;
    const wanted = Buffer.from(`${name}\0`);
    forEachSymbol(this.#bytes, this.#is64, this.#place, (info, value, size, at) => {
      if ((info & 0xf) !== STT_OBJECT || info >>> 4 !== STB_GLOBAL || !this.#strings.is(at, wanted)) return true;
      found = { value, size };
      return false;
    });
    return found;
  }
}

/**
 * Calls `each(st_info, st_value, st_size, st_name)` for every defined symbol with a value below 2^53, until it returns
 * false.
 */
function forEachSymbol(
  bytes: ByteSource,
  is64: boolean,
  place: SymbolTablePlace,
  each: (info: number, value: number, size: number, name: number) => boolean,
): void {
  const layout = is64 ? LAYOUT.elf64 : LAYOUT.elf32;
  const step = place.entrySize;
  if (!(step >= layout.size) || step > 4096 || !(place.symbolsSize >= step)) return;
  const count = Math.min(Math.floor(place.symbolsSize / step), MAX_ENTRIES);
  for (let done = 0; done < count; done += CHUNK_ENTRIES) {
    const want = Math.min(CHUNK_ENTRIES, count - done) * step;
    const chunk = bytes.bytes(place.symbols + done * step, want);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at + layout.size <= chunk.length; at += step) {
      const section = view.getUint16(at + layout.section, true);
      if (section === SHN_UNDEF) continue;
      const value = word(view, at + layout.value, is64) + (place.bases?.[section] ?? 0);
      const size = word(view, at + layout.length, is64);
      if (!Number.isSafeInteger(value) || !Number.isSafeInteger(size)) continue;
      if (!each(view.getUint8(at + layout.info), value, size, view.getUint32(at + layout.name, true))) return;
    }
    if (chunk.length < want) return;
  }
}

function word(view: DataView, at: number, is64: boolean): number {
  return view.getUint32(at, true) + (is64 ? view.getUint32(at + 4, true) * 2 ** 32 : 0);
}

function pick<T extends Float64Array | Uint32Array>(from: T, order: Uint32Array, into: T): T {
  for (let i = 0; i < into.length; i++) into[i] = from[order[i]!]!;
  return into;
}

/** A typed array that grows by doubling. */
class Growing<T extends Float64Array | Uint32Array> {
  #array: T;
  #length = 0;
  readonly #make: new (
    length: number,
  ) => T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#array = new make(64);
  }

  push(value: number): void {
    if (this.#length === this.#array.length) {
      const larger = new this.#make(this.#length * 2);
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array[this.#length++] = value;
  }

  done(): T {
    return this.#array.subarray(0, this.#length) as T;
  }
}
