/**
 * Files that were seen before. Everything that unwinding and naming compile from a file hangs on its FdSource, so keeping that
 * keeps the tables. The key is what fstat says: a build id is the file's own word for itself, and one process's forged file must not
 * name another's frames; device, inode, size and change time are the kernel's.
 */
import { fstatSync } from 'node:fs';
import { FdSource } from './fd-source.js';

/** Bounds: compiled tables take about a tenth of a file. */
const MAX_FILES = 256;
const MAX_BYTES = 256 * 1024 * 1024;

export class FileCache {
  /** In order of use, the latest last. */
  readonly #files = new Map<string, FdSource>();
  #bytes = 0;

  get size(): number {
    return this.#files.size;
  }

  /** The source of the regular file behind a descriptor, attached to it; null for what is no regular file. */
  open(fd: number): FdSource | null {
    let key: string;
    let size: number;
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) return null;
      size = Number(stat.size);
      key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    } catch {
      return null;
    }
    let source = this.#files.get(key);
    if (source === undefined) {
      source = new FdSource(size, fd);
      this.#bytes += size;
    } else {
      this.#files.delete(key);
      source.attach(fd);
    }
    this.#files.set(key, source);
    return source;
  }

  /** Forgets the least recently used beyond the bounds; for the end of a job. */
  trim(): void {
    for (const [key, source] of this.#files) {
      if (this.#files.size <= MAX_FILES && this.#bytes <= MAX_BYTES) break;
      this.#files.delete(key);
      this.#bytes -= source.size;
    }
  }
}
