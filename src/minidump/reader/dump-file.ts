/**
 * A minidump as a file: header, directory, and checked access to the bytes behind its offsets. The typed streams are
 * read on top of it, each by its own file.
 */
import { BufferSource, type ByteSource } from '../../bytes/byte-source.js';
import { type Fields, readStruct, type Struct, type Values } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { DEFAULT_LIMITS, type MinidumpLimits } from '../format/limits.js';
import { streamTypeName } from '../format/stream-types.js';
import { decodeUtf16 } from '../format/strings.js';
import { DIRECTORY, HEADER, SIGNATURE, SIGNATURE_SWAPPED, VERSION } from '../format/structs.js';

/** A place in the file. */
export interface Location {
  readonly rva: number;
  readonly size: number;
}

export interface DirectoryEntry extends Location {
  readonly type: number;
}

export class DumpFile {
  readonly source: ByteSource;
  readonly limits: MinidumpLimits;
  readonly littleEndian: boolean;
  readonly header: Values<typeof HEADER.fields>;
  /** Every entry with a type other than 0, in the order of the file. */
  readonly directory: readonly DirectoryEntry[];
  /** Details that could not be read inside streams that could: a name that lies outside the file, and the like. */
  readonly problems: MinidumpError[] = [];
  /** What is wrong with the directory of a file that was opened as damaged. Also among the problems. */
  readonly damage: readonly MinidumpError[];

  /**
   * Throws MinidumpError when header or directory are not those of a minidump. `damaged`: what can be read of a
   * directory is enough.
   */
  protected constructor(
    source: Uint8Array | ByteSource,
    limits: MinidumpLimits = DEFAULT_LIMITS,
    damaged: boolean = false,
  ) {
    this.source = source instanceof Uint8Array ? new BufferSource(source) : source;
    this.limits = limits;
    const head = this.bytes('header', 0, HEADER.size);
    const signature = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
    if (signature !== SIGNATURE && signature !== SIGNATURE_SWAPPED) {
      throw new MinidumpError('header', `signature is ${hex(signature)}, not that of a minidump`);
    }
    this.littleEndian = signature === SIGNATURE;
    this.header = this.struct('header', 0, HEADER);
    if ((this.header.version & 0xffff) !== VERSION) {
      throw new MinidumpError(
        'header',
        `version is ${hex(this.header.version)}, its low half should be ${hex(VERSION)}`,
      );
    }
    const damage: MinidumpError[] = [];
    this.directory = this.#readDirectory((error) => {
      if (!damaged) throw error;
      damage.push(error);
    });
    for (const { type, rva, size } of this.directory) {
      if (damaged && size > 0 && rva < HEADER.size) damage.push(overHeader(partName(type), rva));
    }
    this.damage = damage;
    this.problems.push(...damage);
  }

  #readDirectory(lost: (error: MinidumpError) => void): DirectoryEntry[] {
    const { streamCount, directoryRva } = this.header;
    this.checkCount('directory', streamCount, this.limits.streams, 'streams');
    if (streamCount > 0 && directoryRva < HEADER.size) {
      lost(overHeader('directory', directoryRva));
      return [];
    }
    const needed = streamCount * DIRECTORY.size;
    const bytes = this.source.bytes(directoryRva, needed);
    if (bytes.length < needed) {
      lost(new MinidumpError('directory', `needs ${needed} bytes at ${hex(directoryRva)}, ${bytes.length} remain`));
    }
    const view = viewOf(bytes);
    const entries: DirectoryEntry[] = [];
    for (let at = 0; at + DIRECTORY.size <= bytes.length; at += DIRECTORY.size) {
      const entry = readStruct(view, at, DIRECTORY, this.littleEndian);
      if (entry.type !== 0) entries.push(entry);
    }
    return entries;
  }

  /** The first directory entry of that type, or null. */
  entry(type: number): DirectoryEntry | null {
    return this.directory.find((entry) => entry.type === type) ?? null;
  }

  /**
   * The bytes of a stream, or null when the dump has none of that type. Throws MinidumpError when they are not all
   * there.
   */
  stream(type: number): Uint8Array | null {
    const entry = this.entry(type);
    if (entry === null) return null;
    const part = partName(type);
    if (entry.size > 0 && entry.rva < HEADER.size) throw overHeader(part, entry.rva);
    if (entry.size > this.limits.streamBytes) {
      throw new MinidumpError(part, `has ${entry.size} bytes, more than the limit of ${this.limits.streamBytes}`);
    }
    return this.bytes(part, entry.rva, entry.size);
  }

  /**
   * The `size` bytes at `rva`, perhaps a view of the file. Throws MinidumpError in the name of `part` when they are not
   * all there.
   */
  bytes(part: string, rva: number, size: number): Uint8Array {
    const remain = Math.max(0, this.source.size - rva);
    if (size > remain) throw new MinidumpError(part, `needs ${size} bytes at ${hex(rva)}, ${remain} remain`);
    const bytes = this.source.bytes(rva, size);
    if (bytes.length < size) {
      throw new MinidumpError(part, `needs ${size} bytes at ${hex(rva)}, only ${bytes.length} could be read`);
    }
    return bytes;
  }

  struct<F extends Fields>(part: string, rva: number, layout: Struct<F>): Values<F> {
    return readStruct(viewOf(this.bytes(part, rva, layout.size)), 0, layout, this.littleEndian);
  }

  /** MDString: u32 length in bytes, UTF-16. Throws MinidumpError. */
  mdString(part: string, rva: number): string {
    const bytes = this.#sized(part, rva, this.limits.textUnits * 2);
    return decodeUtf16(bytes, this.littleEndian);
  }

  /** Crashpad's MinidumpUTF8String: u32 length in bytes, UTF-8. Throws MinidumpError. */
  utf8(part: string, rva: number): string {
    return Buffer.from(this.#sized(part, rva, this.limits.textUnits)).toString('utf8');
  }

  /** Crashpad's MinidumpByteArray: u32 length, bytes. Throws MinidumpError. */
  byteArray(part: string, rva: number): Uint8Array {
    return this.#sized(part, rva, this.limits.recordBytes);
  }

  #sized(part: string, rva: number, limit: number): Uint8Array {
    const size = viewOf(this.bytes(part, rva, 4)).getUint32(0, this.littleEndian);
    if (size > limit) throw new MinidumpError(part, `${size} bytes at ${hex(rva)} exceed the limit of ${limit}`);
    return this.bytes(part, rva + 4, size);
  }

  /** `read()`, or `fallback` and an entry in `problems` when it throws MinidumpError. */
  tolerate<T>(read: () => T, fallback: T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof MinidumpError)) throw error;
      if (this.problems.length < 1000 && !this.problems.includes(error)) this.problems.push(error);
      return fallback;
    }
  }

  /** Throws when a file says that it has more of something than the limits allow. */
  checkCount(part: string, count: number, limit: number, what: string): void {
    if (count > limit) throw new MinidumpError(part, `says ${count} ${what}, the limit is ${limit}`);
  }
}

function overHeader(part: string, rva: number): MinidumpError {
  return new MinidumpError(part, `lies over the header, at ${hex(rva)}`);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `0x` and lower-case hex digits. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** How errors name a stream: `thread list`. */
export function partName(type: number): string {
  const name = streamTypeName(type);
  if (name === null) return `stream ${hex(type)}`;
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
