/** One symbol table, searched as Android's unwinder searches it. */
import type { ByteSource } from '../../src/bytes/byte-source.js';
import { LittleEndian } from '../../src/bytes/little-endian.js';
import type { FunctionAt, SymbolSource } from '../../src/symbols/provider.js';
import { addressOrder } from '../../src/symbols/tables/address-order.js';
import { StringTable } from '../../src/symbols/tables/string-table.js';
import { SymbolTable, type SymbolTablePlace } from '../../src/symbols/tables/symbol-table.js';

const STT_FUNC = 2;
const SHN_UNDEF = 0;
const MAX_ENTRIES = 8 << 20;
const CHUNK_ENTRIES = 2048;

/** A symbol that a search came past. */
interface Passed {
  readonly end: number;
  readonly size: number;
  /** Place in the order that is searched: the table's own, or by address. */
  readonly place: number;
}

interface Symbol {
  readonly value: number;
  readonly size: number;
  readonly name: number;
  /** A defined function. */
  readonly isFunction: boolean;
}

/**
 * The functions of one symbol table as Android's unwinder finds them: by bisecting the table as it stands, and when
 * that finds nothing, by bisecting its functions in order of address (of several at one address the first in the
 * table).
 *
 * Where functions share an address or lie in each other, the bisection decides which name a frame gets. Symbols that it
 * came past are remembered and asked first, as Android does it.
 */
export class BisectedSymbols implements SymbolSource {
  readonly #bytes: ByteSource;
  readonly #is64: boolean;
  readonly #place: SymbolTablePlace;
  readonly #strings: StringTable;
  readonly #count: number;
  /** Sorted by end. */
  #passed: Passed[] = [];
  /** Indices of the functions by address; null while the table as it stands is enough. */
  #order: Uint32Array | null = null;

  constructor(bytes: ByteSource, is64: boolean, place: SymbolTablePlace) {
    this.#bytes = bytes;
    this.#is64 = is64;
    this.#place = place;
    this.#strings = new StringTable(bytes, place.strings, place.stringsSize);
    const { entrySize, symbolsSize } = place;
    const usable = entrySize >= (is64 ? 24 : 16) && entrySize <= 4096 && symbolsSize > 0;
    this.#count = usable ? Math.min(Math.floor(symbolsSize / entrySize), MAX_ENTRIES) : 0;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get byteLength(): number {
    return (this.#order?.byteLength ?? 0) + this.#passed.length * 64;
  }

  functionAt(address: number): FunctionAt | null {
    let found = this.#search(address);
    if (found === null && this.#order === null) {
      this.#order = this.#byAddress();
      this.#passed = [];
      found = this.#search(address);
    }
    if (found === null) return null;
    const symbol = this.#read(this.#order === null ? found.place : this.#order[found.place]!);
    if (symbol === null || !symbol.isFunction) return null;
    const name = this.#strings.at(symbol.name);
    return name === '' ? null : { name, offset: address - (found.end - found.size) };
  }

  /** As `SymbolTable.global`. */
  global(name: string): { readonly value: number; readonly size: number } | null {
    return new SymbolTable(this.#bytes, this.#is64, this.#place).global(name);
  }

  #search(address: number): Passed | null {
    const passed = this.#passed;
    const next = this.#after(address);
    const above = passed[next];
    if (above !== undefined && above.end - above.size <= address) return above;
    let last = above?.place ?? this.#order?.length ?? this.#count;
    let first = next > 0 ? passed[next - 1]!.place + 1 : 0;
    while (first < last) {
      const middle = first + ((last - first) >>> 1);
      const symbol = this.#read(this.#order === null ? middle : this.#order[middle]!);
      if (symbol === null) return null;
      const one = { end: symbol.value + symbol.size, size: symbol.size, place: middle };
      this.#remember(one);
      if (address < symbol.value) last = middle;
      else if (address < one.end) return one;
      else first = middle + 1;
    }
    return null;
  }

  /** Index in `#passed` of the first symbol that ends behind the address. */
  #after(address: number): number {
    let low = 0;
    let high = this.#passed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#passed[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Of two symbols with one end the later counts. */
  #remember(one: Passed): void {
    const at = this.#after(one.end);
    if (at > 0 && this.#passed[at - 1]!.end === one.end) this.#passed[at - 1] = one;
    else this.#passed.splice(at, 0, one);
  }

  #read(index: number): Symbol | null {
    const size = this.#is64 ? 24 : 16;
    const bytes = this.#bytes.bytes(this.#place.symbols + index * this.#place.entrySize, size);
    return bytes.length < size ? null : this.#parse(new LittleEndian(bytes), 0);
  }

  #parse(data: LittleEndian, at: number): Symbol {
    const wide = this.#is64;
    const section = data.u16(at + (wide ? 6 : 14));
    const base = this.#place.bases?.[section] ?? 0;
    return {
      name: data.u32(at),
      value: base + (wide ? data.u64(at + 8) : data.u32(at + 4)),
      size: wide ? data.u64(at + 16) : data.u32(at + 8),
      isFunction: section !== SHN_UNDEF && (data.u8(at + (wide ? 4 : 12)) & 0xf) === STT_FUNC,
    };
  }

  #byAddress(): Uint32Array {
    const step = this.#place.entrySize;
    const size = this.#is64 ? 24 : 16;
    const indices: number[] = [];
    const values: number[] = [];
    for (let done = 0; done < this.#count; done += CHUNK_ENTRIES) {
      const want = Math.min(CHUNK_ENTRIES, this.#count - done) * step;
      const chunk = this.#bytes.bytes(this.#place.symbols + done * step, want);
      const data = new LittleEndian(chunk);
      for (let at = 0, i = done; at + size <= chunk.length; at += step, i++) {
        const symbol = this.#parse(data, at);
        if (!symbol.isFunction || symbol.size === 0 || !Number.isSafeInteger(symbol.value)) continue;
        indices.push(i);
        values.push(symbol.value);
      }
      if (chunk.length < want) break;
    }
    const order: number[] = [];
    let previous = -1;
    for (const at of addressOrder(Float64Array.from(values))) {
      if (values[at] !== previous) order.push(indices[at]!);
      previous = values[at]!;
    }
    return Uint32Array.from(order);
  }
}
