/** The method that holds a dex pc. */
import { type ByteSource, SliceSource } from '../../bytes/byte-source.js';
import { LittleEndian } from '../../bytes/little-endian.js';
import type { FunctionAt } from '../../symbols/provider.js';
import { ClassData } from './dex-class-data.js';

/**
 * A dex file, as far as it takes to name the method that a dex pc is in. Source: "Dalvik Executable format"
 * (source.android.com/docs/core/runtime/dex-format); compact dex (cdex, Android 9 to 14):
 * art/libdexfile/dex/compact_dex_file.h.
 *
 *     header_item: u8 magic[8], u32 checksum, u8 signature[20], u32 file_size, header_size, endian_tag, link_size,
 *     link_off, map_off,
 *                  {string,type,proto,field,method}_ids {u32 size, u32 off}, class_defs {u32 size, u32 off}, data {u32
 *                  size, u32 off}
 *     string_id:   u32 offset of {uleb128 UTF-16 length, MUTF-8 text, NUL}
 *     type_id:     u32 string index
 *     method_id:   u16 class (type index), u16 proto, u32 name (string index)
 *     class_def:   u32 class, access, superclass, interfaces, source file, annotations, class data offset, static
 *                  values
 *     code_item:   u16 registers, ins, outs, tries; u32 debug info; u32 size in code units; u16 instructions[]
 */
const HEADER = 0x70;
/**
 * Version 041 adds u32 container_size, header_offset: its offsets count from the beginning of a container of several
 * files.
 */
const CONTAINER_HEADER = 0x78;
const ENDIAN = 0x12345678;
const MAX_STRING = 4096;
/** More classes than 64 K references of a dex file can name. */
const MAX_CLASSES = 1 << 16;
/** Three times what a full dex file has: 64 K fields of two numbers, 64 K methods of three. */
const MAX_NUMBERS = 1 << 20;

interface IdTable {
  readonly count: number;
  readonly offset: number;
}

/** dex\n or cdex and a version. */
export function isDex(bytes: Uint8Array): boolean {
  if (bytes.length < 8 || bytes[7] !== 0) return false;
  const magic = Buffer.from(bytes.buffer, bytes.byteOffset, 7).toString('latin1');
  return /^(?:dex\n|cdex)\d{3}$/.test(magic);
}

export class DexFile {
  /** Bytes from the header to the end of the file, as the header says. */
  readonly size: number;
  readonly #source: ByteSource;
  readonly #compact: boolean;
  /** Where the file's offsets count from: its header, or the beginning of the container that it is in (version 041). */
  readonly #base: number;
  /** Where offsets into the data section count from, by the file's offsets. */
  readonly #data: number;
  readonly #strings: IdTable;
  readonly #types: IdTable;
  readonly #methods: IdTable;
  readonly #classes: IdTable;
  /** Compiled on first use: begin and end of each method's instructions, sorted, and its method index. */
  #starts: Float64Array | null = null;
  #ends = new Float64Array(0);
  #indices = new Uint32Array(0);
  readonly #names = new Map<number, string>();

  private constructor(source: ByteSource, header: LittleEndian, at: number, base: number) {
    const table = (at: number): IdTable => ({ count: header.u32(at), offset: header.u32(at + 4) });
    this.#source = base === 0 ? source : new SliceSource(source, base);
    this.#base = at - base;
    this.size = header.u32(32);
    this.#compact = header.u8(0) === 0x63;
    this.#data = this.#compact ? header.u32(108) : 0;
    this.#strings = table(56);
    this.#types = table(64);
    this.#methods = table(88);
    this.#classes = table(96);
  }

  /** The dex file whose header is at an offset of `source`; null when there is none. */
  static parse(source: ByteSource, at = 0): DexFile | null {
    const bytes = source.bytes(at, CONTAINER_HEADER);
    const header = new LittleEndian(bytes);
    if (bytes.length < HEADER || !isDex(bytes) || header.u32(40) !== ENDIAN || header.u32(32) < HEADER) return null;
    const contained = header.u32(36) >= CONTAINER_HEADER ? header.u32(HEADER + 4) : 0;
    return contained <= at ? new DexFile(source, header, at, at - contained) : null;
  }

  /**
   * The method whose instructions hold the byte at `offset` from the header, as `com.example.Foo.bar`, and the bytes
   * from its first one.
   */
  functionAt(offset: number): FunctionAt | null {
    const starts = this.#starts ?? this.#compile();
    const wanted = offset + this.#base;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    const found = low - 1;
    if (found < 0 || wanted >= this.#ends[found]!) return null;
    const name = this.#methodName(this.#indices[found]!);
    return name === null ? null : { name, offset: wanted - starts[found]! };
  }

  #compile(): Float64Array {
    const starts: number[] = [];
    const ends: number[] = [];
    const indices: number[] = [];
    const budget = { left: MAX_NUMBERS };
    const seen = new Set<number>();
    const classes = Math.min(this.#classes.count, MAX_CLASSES);
    const definitions = new LittleEndian(this.#source.bytes(this.#classes.offset, classes * 32));
    for (let at = 0; at + 32 <= definitions.length; at += 32) {
      const offset = definitions.u32(at + 24);
      if (offset === 0 || seen.has(offset)) continue;
      seen.add(offset);
      for (const method of new ClassData(this.#source, this.#data + offset, budget).methods()) {
        const units = method.code === 0 ? 0 : this.#codeUnits(this.#data + method.code);
        const start = this.#data + method.code + (this.#compact ? 4 : 16);
        if (!(units > 0) || start >= 2 ** 33) continue;
        starts.push(start);
        ends.push(start + 2 * units);
        indices.push(method.index);
      }
    }
    // Offsets are below 2^33, methods fewer than 2^20: one number sorts by offset and says which.
    const order = Float64Array.from(starts, (start, i) => start * MAX_NUMBERS + i).sort();
    this.#starts = order.map((key) => starts[key % MAX_NUMBERS]!);
    this.#ends = order.map((key) => ends[key % MAX_NUMBERS]!);
    this.#indices = Uint32Array.from(order, (key) => indices[key % MAX_NUMBERS]!);
    return this.#starts;
  }

  /** Size of the instructions of the code item at an offset, in units of 2 bytes; NaN when it is not there. */
  #codeUnits(offset: number): number {
    if (!this.#compact) return new LittleEndian(this.#source.bytes(offset + 12, 4)).u32(0);
    // u16 sizes, u16 flags (5 bits) and count (11 bits); a larger count lies before, 16 bits each, the low ones next to
    // it.
    const flags = new LittleEndian(this.#source.bytes(offset + 2, 2)).u16(0);
    if ((flags & 0x10) === 0) return flags >>> 5;
    const before = new LittleEndian(this.#source.bytes(offset - 4, 4));
    return (flags >>> 5) + before.u16(2) + before.u16(0) * 2 ** 16;
  }

  #methodName(index: number): string | null {
    const known = this.#names.get(index);
    if (known !== undefined) return known;
    const method = this.#entry(this.#methods, index, 8);
    if (method === null) return null;
    const type = this.#entry(this.#types, method.u16(0), 4);
    const owner = type === null ? null : this.#string(type.u32(0));
    const name = this.#string(method.u32(4));
    if (owner === null || name === null) return null;
    const text = `${prettyClass(owner)}.${name}`;
    this.#names.set(index, text);
    return text;
  }

  #string(index: number): string | null {
    const id = this.#entry(this.#strings, index, 4);
    if (id === null) return null;
    const bytes = this.#source.bytes(this.#data + id.u32(0), MAX_STRING);
    let at = 0;
    while (at < 5 && (bytes[at] ?? 0) >= 0x80) at++;
    const start = at + 1; // behind the length in UTF-16 units
    const end = bytes.indexOf(0, start);
    return end < 0 ? null : mutf8(bytes.subarray(start, end));
  }

  #entry(table: IdTable, index: number, size: number): LittleEndian | null {
    if (!(index < table.count)) return null;
    const bytes = this.#source.bytes(table.offset + index * size, size);
    return bytes.length < size ? null : new LittleEndian(bytes);
  }
}

/** `Lcom/example/Foo;` as `com.example.Foo`; array and primitive types, which own no methods with code, as they are. */
function prettyClass(descriptor: string): string {
  return /^L.*;$/s.test(descriptor) ? descriptor.slice(1, -1).replaceAll('/', '.') : descriptor;
}

/** UTF-8 in which surrogates are encoded one by one, and NUL as C0 80. */
function mutf8(bytes: Uint8Array): string {
  const units: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!;
    const second = bytes[at + 1] ?? 0;
    if (first < 0x80) {
      units.push(first);
      at += 1;
    } else if (first < 0xe0) {
      units.push(((first & 0x1f) << 6) | (second & 0x3f));
      at += 2;
    } else {
      units.push(((first & 0x0f) << 12) | ((second & 0x3f) << 6) | ((bytes[at + 2] ?? 0) & 0x3f));
      at += 3;
    }
  }
  return String.fromCharCode(...units);
}
