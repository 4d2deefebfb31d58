/** Streams that are lists: a count or a header, then entries of one size. */
import { type Fields, readStruct, type Struct, type Values } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { type DumpFile, partName, viewOf } from './dump-file.js';

/**
 * A stream that is a u32 count and entries; some writers align the entries to 8 with 4 bytes of padding. Null when the
 * dump has none of that type. Throws MinidumpError when the count promises more than the stream holds.
 */
export function readCountedList<F extends Fields>(
  dump: DumpFile,
  type: number,
  layout: Struct<F>,
  limit: number,
  what: string,
): Values<F>[] | null {
  const bytes = dump.stream(type);
  if (bytes === null) return null;
  const part = partName(type);
  if (bytes.length < 4) throw new MinidumpError(part, `needs 4 bytes for its count, ${bytes.length} remain`);
  const view = viewOf(bytes);
  const count = view.getUint32(0, dump.littleEndian);
  dump.checkCount(part, count, limit, what);
  const needed = count * layout.size;
  const start = bytes.length === needed + 8 ? 8 : 4;
  return readEntries(dump, part, view, start, count, layout.size, layout, what);
}

/**
 * A stream that begins with {header size, entry size, count}: entries may be longer than we know, not shorter.
 * `readHeader` is given a stream that has at least `headerSize` bytes.
 */
export function readSizedList<H extends Fields, F extends Fields>(
  dump: DumpFile,
  type: number,
  header: Struct<H>,
  layout: Struct<F>,
  limit: number,
  what: string,
): Values<F>[] | null {
  const bytes = dump.stream(type);
  if (bytes === null) return null;
  const part = partName(type);
  if (bytes.length < header.size) {
    throw new MinidumpError(part, `needs ${header.size} bytes for its header, ${bytes.length} remain`);
  }
  const view = viewOf(bytes);
  const values = readStruct(view, 0, header, dump.littleEndian) as Readonly<Record<string, number>>;
  const { headerSize = 0, entrySize = 0, count = 0 } = values;
  if (headerSize < header.size)
    throw new MinidumpError(part, `says its header has ${headerSize} bytes, not ${header.size}`);
  if (entrySize < layout.size)
    throw new MinidumpError(part, `says an entry has ${entrySize} bytes, not ${layout.size}`);
  dump.checkCount(part, count, limit, what);
  return readEntries(dump, part, view, headerSize, count, entrySize, layout, what);
}

function readEntries<F extends Fields>(
  dump: DumpFile,
  part: string,
  view: DataView,
  start: number,
  count: number,
  stride: number,
  layout: Struct<F>,
  what: string,
): Values<F>[] {
  const remain = Math.max(0, view.byteLength - start);
  if (count * stride > remain) {
    throw new MinidumpError(part, `${count} ${what} need ${count * stride} bytes, ${remain} remain`);
  }
  const entries: Values<F>[] = [];
  for (let i = 0; i < count; i++) entries.push(readStruct(view, start + i * stride, layout, dump.littleEndian));
  return entries;
}
