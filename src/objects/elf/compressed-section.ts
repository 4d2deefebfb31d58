/**
 * SHF_COMPRESSED sections: an Elf32_Chdr {type, size, align} or Elf64_Chdr {type u32, reserved u32, size u64, align
 * u64}, then the stream (gABI chapter 4, "Section Compression"; ELFCOMPRESS_ZLIB 1, ELFCOMPRESS_ZSTD 2).
 */
import * as zlib from 'node:zlib';
import { decompress as fzstdDecompress } from 'fzstd';
import { LittleEndian } from '../../bytes/little-endian.js';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** More than deflate can reach (1032:1), and more than zstd reaches on any real table. */
const MAX_RATIO = 1100;
const MAX_SIZE = 1 << 30;

const NONE = new Uint8Array(0);

/** Node has zstd from 22.15 on. */
type Zstd = (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
const nodeZstd = (zlib as unknown as { zstdDecompressSync?: Zstd }).zstdDecompressSync;

/** The decompressed contents, no longer than declared; empty when the header or the stream is broken. */
export function decompressSection(raw: Uint8Array, bits: 32 | 64): Uint8Array {
  const header = bits === 64 ? 24 : 12;
  if (raw.length <= header) return NONE;
  const data = new LittleEndian(raw);
  const size = bits === 64 ? data.u64(8) : data.u32(4);
  const stream = raw.subarray(header);
  if (!(size > 0 && size <= MAX_SIZE && size <= stream.length * MAX_RATIO)) return NONE;
  try {
    const type = data.u32(0);
    if (type === ELFCOMPRESS_ZLIB) return zlib.inflateSync(stream, { maxOutputLength: size });
    if (type === ELFCOMPRESS_ZSTD) return zstd(stream, size);
    return NONE;
  } catch {
    return NONE;
  }
}

function zstd(stream: Uint8Array, size: number): Uint8Array {
  if (nodeZstd !== undefined) return nodeZstd(stream, { maxOutputLength: size });
  // Given its output buffer, the decoder allocates no window of the size that the stream claims.
  return fzstdDecompress(stream, new Uint8Array(size)).subarray(0, size);
}
