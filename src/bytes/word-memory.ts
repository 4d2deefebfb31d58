/** Memory read one word at a time, through a small page cache. */
import type { Memory } from './memory.js';

const PAGE = 4096;
const SLOTS = 64;

/**
 * A small page cache over a `Memory`, for readers that take one word at a time. A read that succeeds leaves the word in
 * `lo` and `hi` (its low and high 32 bits), so that a walk over a stack allocates nothing and loses no bit of a 64-bit
 * value. The memory below must not change while it is cached.
 */
export class WordMemory implements Memory {
  /** The last word read. */
  lo = 0;
  hi = 0;

  readonly #memory: Memory;
  /** Per slot: the page's address (-1 when empty) and the readable part of it, as offsets in the page. */
  readonly #pages = new Float64Array(SLOTS).fill(-1);
  readonly #from = new Uint16Array(SLOTS);
  readonly #to = new Uint16Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * PAGE);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #spare = new Uint8Array(8);
  readonly #spareView = new DataView(this.#spare.buffer);

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Forgets every cached page. */
  clear(): void {
    this.#pages.fill(-1);
  }

  /** Reads 8 bytes into `lo` and `hi`; false when not all of them are there. */
  word64(address: number): boolean {
    const at = this.#locate(address, 8);
    if (at >= 0) {
      this.lo = this.#view.getUint32(at, true);
      this.hi = this.#view.getUint32(at + 4, true);
      return true;
    }
    if (at === MISSING || this.#memory.read(address, this.#spare) < 8) return false;
    this.lo = this.#spareView.getUint32(0, true);
    this.hi = this.#spareView.getUint32(4, true);
    return true;
  }

  /** Reads 4 bytes into `lo`, with `hi` 0; false when not all of them are there. */
  word32(address: number): boolean {
    this.hi = 0;
    const at = this.#locate(address, 4);
    if (at >= 0) {
      this.lo = this.#view.getUint32(at, true);
      return true;
    }
    if (at === MISSING || this.#memory.read(address, this.#spare.subarray(0, 4)) < 4) return false;
    this.lo = this.#spareView.getUint32(0, true);
    return true;
  }

  /** Reads `size` bytes (1, 2, 4 or 8) zero-extended into `lo` and `hi`. */
  value(address: number, size: number): boolean {
    if (size === 8) return this.word64(address);
    if (size === 4) return this.word32(address);
    const into = this.#spare.subarray(0, size);
    if (!(size > 0 && size < 8) || this.#memory.read(address, into) < size) return false;
    this.lo = 0;
    this.hi = 0;
    for (let i = 0; i < size; i++) {
      if (i < 4) this.lo = (this.lo | ((into[i] ?? 0) << (8 * i))) >>> 0;
      else this.hi = (this.hi | ((into[i] ?? 0) << (8 * (i - 4)))) >>> 0;
    }
    return true;
  }

  read(address: number, into: Uint8Array): number {
    return this.#memory.read(address, into);
  }

  /**
   * Place of the bytes in the cache, ACROSS when they straddle pages or a cached part's edge, MISSING when they are not
   * there.
   */
  #locate(address: number, size: number): number {
    if (!(address >= 0 && address <= Number.MAX_SAFE_INTEGER - size)) return MISSING;
    const inPage = address % PAGE;
    if (inPage + size > PAGE) return ACROSS;
    const page = address - inPage;
    const slot = (page / PAGE) % SLOTS;
    const base = slot * PAGE;
    if (this.#pages[slot] === page && inPage >= this.#from[slot]! && inPage + size <= this.#to[slot]!)
      return base + inPage;
    return this.#load(page, slot, inPage) >= size ? base + inPage : ACROSS;
  }

  /** Fills the slot with what is readable of the page around `inPage`; returns the bytes readable from there. */
  #load(page: number, slot: number, inPage: number): number {
    const base = slot * PAGE;
    let from = 0;
    let got = this.#memory.read(page, this.#bytes.subarray(base, base + PAGE));
    if (got <= inPage) {
      // The readable part may begin inside the page.
      from = inPage;
      got = this.#memory.read(page + inPage, this.#bytes.subarray(base + inPage, base + PAGE));
    }
    this.#pages[slot] = got > 0 ? page : -1;
    this.#from[slot] = from;
    this.#to[slot] = from + got;
    return from + got - inPage;
  }
}

const MISSING = -2;
const ACROSS = -1;
