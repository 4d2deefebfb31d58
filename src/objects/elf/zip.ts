/** Libraries inside zip files (apk). */
import type { ByteSource } from '../../bytes/byte-source.js';
import { LittleEndian } from '../../bytes/little-endian.js';

/**
 * Stored entries of a zip file, for libraries that are mapped out of an apk. Source: PKWARE APPNOTE.TXT 6.3.10.
 *
 *     4.3.16 end of central directory: u32 "PK\5\6", u16 disk, disk, entries, entries, u32 size, u32 offset, u16
 *     comment length
 *     4.3.12 central directory header: u32 "PK\1\2", u16 made by, needed, flags, method, time, date, u32 crc,
 *     compressed size, size,
 *            u16 name length, extra length, comment length, disk, attributes, u32 attributes, u32 offset of the local
 *            header
 *     4.3.7  local file header: u32 "PK\3\4", ..., at 26: u16 name length, extra length; name, extra, data
 *
 * Zip64 and archives of several disks are not read: Android installs neither.
 */
const END = 0x06054b50;
const END_SIZE = 22;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 0xffff;
const MAX_NAME = 1024;
const STORED = 0;

export interface ZipEntry {
  /** Path inside the archive. Bytes that are not UTF-8 become U+FFFD. */
  readonly name: string;
  /** Where its bytes begin in the archive. */
  readonly offset: number;
  readonly size: number;
}

/** The stored (not compressed) entry whose bytes hold `offset`; null when there is none, or the file is no zip file. */
export function storedEntryAt(file: ByteSource, offset: number): ZipEntry | null {
  const directory = centralDirectory(file);
  if (directory === null) return null;
  for (let at = 0; at + CENTRAL_SIZE <= directory.length; ) {
    if (directory.u32(at) !== CENTRAL) return null;
    const nameLength = directory.u16(at + 28);
    const method = directory.u16(at + 10);
    const size = directory.u32(at + 24);
    const header = directory.u32(at + 42);
    // Its data lies behind the local header, whose length only the header itself says.
    const mayHold = method === STORED && header < offset + 1 && offset - header < size + LOCAL_SIZE + 2 * MAX_COMMENT;
    const start = mayHold ? dataOffset(file, header) : -1;
    if (start >= 0 && offset >= start && offset - start < size) {
      const name = directory.bytes.subarray(at + CENTRAL_SIZE, at + CENTRAL_SIZE + Math.min(nameLength, MAX_NAME));
      return { name: Buffer.from(name).toString('utf8'), offset: start, size };
    }
    at += CENTRAL_SIZE + nameLength + directory.u16(at + 30) + directory.u16(at + 32);
  }
  return null;
}

function centralDirectory(file: ByteSource): LittleEndian | null {
  const tailSize = Math.min(file.size, MAX_COMMENT + END_SIZE);
  const tail = new LittleEndian(file.bytes(file.size - tailSize, tailSize));
  for (let at = tail.length - END_SIZE; at >= 0; at--) {
    // The comment reaches to the end of the file; a signature inside a comment does not say so.
    if (tail.u32(at) !== END || tail.u16(at + 20) !== tail.length - at - END_SIZE) continue;
    const size = tail.u32(at + 12);
    const offset = tail.u32(at + 16);
    return offset + size <= file.size - tailSize + at ? new LittleEndian(file.bytes(offset, size)) : null;
  }
  return null;
}

function dataOffset(file: ByteSource, header: number): number {
  const local = new LittleEndian(file.bytes(header, LOCAL_SIZE));
  if (local.u32(0) !== LOCAL) return -1;
  return header + LOCAL_SIZE + local.u16(26) + local.u16(28);
}
