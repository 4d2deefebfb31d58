/** Images that are kept from one process to the next, by the identity of their file. */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import type { ElfModule } from './elf-module.js';
import { SharedSource } from './shared-source.js';

/** A file that can be known again: same device, inode, size and time of change mean the same bytes. */
export interface IdentifiedSource extends ByteSource {
  /** Null or absent: what is compiled from it serves one process only. */
  readonly identity?: string | null;
}

interface Kept {
  readonly file: SharedSource;
  readonly images: Map<number, ElfModule>;
}

/**
 * Images that outlive a process's unwinding, with all that was compiled of them. The key is what the kernel says of the
 * file, with its build id: a build id alone is the file's own claim, and a file that claims another's would be asked in
 * its place.
 *
 * Files are attached by `open`, and detached by `release`: between, nothing can be read.
 */
export class ImageCache {
  readonly #limit: number;
  readonly #byteLimit: number;
  readonly #files = new Map<string, Kept>();
  hits = 0;
  misses = 0;

  /**
   * @param limit files kept at most; the least recently used go first
   * @param byteLimit bytes of tables kept at most
   */
  constructor(limit = 128, byteLimit = 48 << 20) {
    this.#limit = limit;
    this.#byteLimit = byteLimit;
  }

  /** Bytes that the tables of all kept files take, nearly. */
  get byteLength(): number {
    let total = 0;
    for (const kept of this.#files.values()) total += bytesOf(kept);
    return total;
  }

  /** The source to parse a file from, in place of the file itself: it stays valid for images that are kept. */
  open(file: IdentifiedSource): ByteSource {
    const identity = file.identity ?? null;
    if (identity === null) return file;
    const key = `${identity}:${file.size}`;
    const kept = this.#files.get(key) ?? { file: new SharedSource(file), images: new Map<number, ElfModule>() };
    kept.file.attach(file);
    this.#files.delete(key);
    this.#files.set(key, kept);
    return kept.file;
  }

  /** The image that was kept for a place in a file of `open`. */
  get(source: ByteSource, start: number, elf: ElfFile): ElfModule | null {
    for (const kept of this.#files.values()) {
      if (kept.file !== source) continue;
      const image = kept.images.get(start);
      if (image !== undefined && image.elf.buildId === elf.buildId) {
        this.hits++;
        return image;
      }
    }
    this.misses++;
    return null;
  }

  put(source: ByteSource, start: number, image: ElfModule): void {
    for (const kept of this.#files.values()) if (kept.file === source) kept.images.set(start, image);
  }

  /** Lets go of all files, and of what is kept beyond the limits. */
  release(): void {
    let total = 0;
    for (const kept of this.#files.values()) {
      kept.file.detach();
      total += bytesOf(kept);
    }
    for (const [key, kept] of this.#files) {
      if (this.#files.size <= this.#limit && total <= this.#byteLimit) break;
      this.#files.delete(key);
      total -= bytesOf(kept);
    }
  }
}

function bytesOf(kept: Kept): number {
  let total = 0;
  for (const image of kept.images.values()) total += image.byteLength;
  return total;
}
