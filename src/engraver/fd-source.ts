/** A file behind a descriptor as a ByteSource. Reads, never maps: a file that shrinks meanwhile reads short and hurts nobody. */
import { readSync } from 'node:fs';
import type { ByteSource } from '../memory/byte-source.js';

const NONE = new Uint8Array(0);
/** Headers and tables are read in small pieces: those come from blocks of this size. */
const BLOCK = 16 * 1024;
const MAX_BLOCKS = 16;
/** No section that anything here needs is larger. */
const MAX_READ = 256 * 1024 * 1024;

/** Reads up to `length` bytes at `offset`; fewer at the end of the file or on an error. */
export function readFully(fd: number, into: Uint8Array, offset: number): number {
  let done = 0;
  while (done < into.length) {
    let got: number;
    try {
      got = readSync(fd, into, done, into.length - done, offset + done);
    } catch {
      break;
    }
    if (got <= 0) break;
    done += got;
  }
  return done;
}

/**
 * The object outlives its descriptor: what was compiled from a file is kept with it, and the next job that maps the same file
 * lends its own descriptor. Without one nothing can be read.
 */
export class FdSource implements ByteSource {
  readonly size: number;
  #fd = -1;
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(size: number, fd: number) {
    this.size = size;
    this.#fd = fd;
  }

  /** Lends a descriptor of the same file. */
  attach(fd: number): void {
    this.#fd = fd;
  }

  /** The descriptor is about to be closed; blocks are dropped with it. */
  detach(): void {
    this.#fd = -1;
    this.#blocks.clear();
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length <= 0) return NONE;
    const wanted = Math.min(length, this.size - offset, MAX_READ);
    if (wanted <= 0 || this.#fd < 0) return NONE;
    const first = Math.floor(offset / BLOCK);
    if (offset + wanted <= (first + 1) * BLOCK) return this.#fromBlock(first, offset - first * BLOCK, wanted);
    const bytes = new Uint8Array(wanted);
    return bytes.subarray(0, readFully(this.#fd, bytes, offset));
  }

  #fromBlock(index: number, offset: number, length: number): Uint8Array {
    let block = this.#blocks.get(index);
    if (block === undefined) {
      const bytes = new Uint8Array(Math.min(BLOCK, this.size - index * BLOCK));
      block = bytes.subarray(0, readFully(this.#fd, bytes, index * BLOCK));
      if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.delete(this.#blocks.keys().next().value ?? -1);
      this.#blocks.set(index, block);
    }
    return block.subarray(offset, offset + length);
  }
}
