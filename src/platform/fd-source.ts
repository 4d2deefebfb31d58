/**
 * A file behind a descriptor as a ByteSource. Reads, never maps: a file that shrinks meanwhile reads short and hurts
 * nobody.
 */
import { fstatSync, readSync } from 'node:fs';
import type { ByteSource } from '../bytes/byte-source.js';

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

export class FdSource implements ByteSource {
  readonly size: number;
  /**
   * By which a file is known again, in the kernel's words: device, inode, size and times of change. The build id is the
   * file's own word for itself, and one process's forged file must not name another's frames.
   */
  readonly identity: string;
  readonly #fd: number;
  readonly #blocks = new Map<number, Uint8Array>();

  private constructor(fd: number, size: number, identity: string) {
    this.#fd = fd;
    this.size = size;
    this.identity = identity;
  }

  /** Null for what is no regular file. The descriptor stays the caller's, and open as long as anything is read. */
  static of(fd: number): FdSource | null {
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) return null;
      return new FdSource(fd, Number(stat.size), `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.ctimeNs}`);
    } catch {
      return null;
    }
  }

  bytes(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length <= 0) return NONE;
    const wanted = Math.min(length, this.size - offset, MAX_READ);
    if (wanted <= 0) return NONE;
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
