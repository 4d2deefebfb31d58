/** A process's memory as a source of bytes: an image that is mapped, read where it lies. */
import type { ByteSource } from './byte-source.js';
import type { Memory } from './memory.js';

/** A stretch of memory that appears at `offset` of a source. */
export interface MemoryRange {
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

const NONE = new Uint8Array(0);
const CHUNK = 64 * 1024;

/**
 * An image in memory as a source: one or more stretches of addresses, laid out by their offset in the image. Reads
 * never cross a hole. The ranges come from a maps file that the target shapes, so a read grows by chunks as far as
 * bytes are really there.
 */
export class MemorySource implements ByteSource {
  readonly size: number;
  readonly #memory: Memory;
  readonly #ranges: readonly MemoryRange[];

  constructor(memory: Memory, ranges: readonly MemoryRange[]) {
    this.#memory = memory;
    this.#ranges = ranges;
    let size = 0;
    for (const range of ranges) size = Math.max(size, range.offset + range.size);
    this.size = size;
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length <= 0) return NONE;
    const first = this.#readable(offset, length);
    if (first.length === length || first.length === 0) return first;
    // The request may go on in the next range.
    const parts = [first];
    let total = first.length;
    for (let i = 0; i < this.#ranges.length && total < length; i++) {
      const more = this.#readable(offset + total, length - total);
      if (more.length === 0) break;
      parts.push(more);
      total += more.length;
    }
    return join(parts, total);
  }

  #readable(offset: number, length: number): Uint8Array {
    for (const range of this.#ranges) {
      const skip = offset - range.offset;
      if (skip < 0 || skip >= range.size) continue;
      // One page of a file may be mapped twice, and only the one that was written to be there.
      const bytes = readGrowing(this.#memory, range.address + skip, Math.min(length, range.size - skip));
      if (bytes.length > 0) return bytes;
    }
    return NONE;
  }
}

/** Up to `length` bytes at `address`, never allocating more than the readable part and one chunk. */
export function readGrowing(memory: Memory, address: number, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  while (total < length) {
    const chunk = new Uint8Array(Math.min(length - total, CHUNK));
    const got = memory.read(address + total, chunk);
    if (got <= 0) break;
    parts.push(got === chunk.length ? chunk : chunk.subarray(0, got));
    total += got;
    if (got < chunk.length) break;
  }
  return join(parts, total);
}

function join(parts: readonly Uint8Array[], total: number): Uint8Array {
  const only = parts[0];
  if (only === undefined) return NONE;
  if (parts.length === 1) return only;
  const whole = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
