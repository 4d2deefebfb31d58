/**
 * Makes .xz files without an encoder: LZMA2 chunks may hold their bytes as they are (xz-file-format.txt 1.2.0; LZMA2
 * control byte 1).
 */
import { crc32 } from 'node:zlib';

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** Multibyte integers: 7 bits a byte, low ones first. */
function vli(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

/** One xz stream with a block per element of `blocks`, CRC32 checks. */
export function buildXz(blocks: readonly Uint8Array[]): Buffer {
  const flags = Buffer.from([0, 1]);
  const parts: Buffer[] = [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), flags, u32(crc32(flags))];
  const records: Buffer[] = [];
  for (const block of blocks) {
    // Size 12 bytes, one filter, no sizes; LZMA2 with a dictionary of 4 KiB.
    const header = Buffer.from([2, 0, 0x21, 1, 0, 0, 0, 0]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < block.length; at += 0x10000) {
      const piece = block.subarray(at, at + 0x10000);
      const size = piece.length - 1;
      chunks.push(Buffer.from([at === 0 ? 1 : 2, size >>> 8, size & 255]), Buffer.from(piece));
    }
    const data = Buffer.concat([...chunks, Buffer.from([0])]);
    parts.push(header, u32(crc32(header)), padded(data), u32(crc32(block)));
    records.push(vli(header.length + 4 + data.length + 4), vli(block.length));
  }
  const index = padded(Buffer.concat([Buffer.from([0]), vli(blocks.length), ...records]));
  const footer = Buffer.concat([u32((index.length + 4) / 4 - 1), flags]);
  parts.push(index, u32(crc32(index)), u32(crc32(footer)), footer, Buffer.from('YZ'));
  return Buffer.concat(parts);
}

/** xz --check=crc64 --lzma2=dict=64KiB of 40 lines "the quick brown fox N". */
const FOX =
  '/Td6WFoAAATm1rRGAgAhAQgAAADYDyMT4AOOAHFdADoaCM52x+Xp1gc0w9EOv85V4aq94NV4z3+vkHpTk/ix/q30yDpeBYOtesDw' +
  'eAYiluxf0OrJzZSSmg9l1toqzOZqRH3XRgLWST4ja0Udy9ifoCaOWclpynpRDoFBkm7R7j09AqyOeyBrJjBXbua2HAq3AAAAALhZ' +
  'i6Bzmd4kAAGNAY8HAACDSm7sscRn+wIAAAAABFla';

/** What an encoder makes. */
export const fox = Buffer.from(FOX, 'base64');
