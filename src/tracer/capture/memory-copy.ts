/**
 * Reads many ranges of a process at once into one large buffer. The buffer outlives the capture: touching fresh memory
 * costs more than the copy itself, and the target stands still meanwhile.
 */

import type { MapsEntry } from '../../linux/maps.js';
import type { CopyRange } from '../../minidump/writer/copy-plan.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { codeOf, type Losses } from '../failure.js';

/** Kept between captures. */
const READY_BYTES = 1280 * 1024;
/** What the stack of a thread takes as a rule, and for how many of them room is made. */
const STACK_BYTES = 8 * 1024;
const MAX_ROOM = 64 * 1024 * 1024;
/**
 * How long all ranges may take, ms: a page that another process serves (userfaultfd, a file system that is mapped since
 * the maps were read) may never come. Then how long each of them alone may take, and how many may not come.
 */
const ALL_MS = 2500;
const EACH_MS = 250;
const MAX_STUCK = 3;
/** What threads that wait for such pages may still write to, until this process ends. */
const abandoned: unknown[] = [];

export interface Block {
  readonly address: number;
  readonly bytes: Buffer;
}

export class MemoryCopy {
  readonly #addon: TracingAddon;
  readonly #ready = Buffer.alloc(READY_BYTES, 1);
  #room = this.#ready;
  #used = 0;
  #forbidden: readonly MapsEntry[] = [];
  #losses: Losses | null = null;
  #stuck = 0;

  constructor(addon: TracingAddon) {
    this.#addon = addon;
  }

  /** A thread of this process waits for memory that does not come: it has to end. */
  get isStuck(): boolean {
    return this.#stuck > 0;
  }

  /** Forgets what the last capture copied: its blocks are overwritten from now on. */
  reset(): void {
    this.#used = 0;
    this.#room = this.#ready;
  }

  /** Makes room for the stacks of so many threads, and touches it; after `reset`. */
  reserve(threads: number): void {
    const bytes = Math.min(threads * STACK_BYTES, MAX_ROOM);
    if (bytes > READY_BYTES) this.#room = Buffer.alloc(bytes, 1);
  }

  /**
   * From now on nothing of these mappings is read; what would have been is a loss. They are in the order of their
   * addresses.
   */
  forbid(mappings: readonly MapsEntry[], losses: Losses): void {
    this.#forbidden = mappings;
    this.#losses = losses;
  }

  /**
   * Reads the ranges of the process that thread `tid` belongs to. Each block holds what was readable from its range's
   * begin on, maybe nothing. Unreadable memory is no error; a process that has ended leaves all blocks empty.
   */
  read(tid: number, wanted: readonly CopyRange[]): Block[] {
    const ranges = this.#forbidden.length === 0 ? wanted : wanted.map((range) => this.#allowed(range));
    const count = ranges.length;
    if (count === 0) return [];
    const addresses = new Float64Array(count);
    const lengths = new Uint32Array(count);
    const offsets = new Float64Array(count);
    let got = new Uint32Array(count);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const { address, size } = ranges[i]!;
      addresses[i] = address;
      lengths[i] = size;
      total += size;
    }
    const fits = this.#used + total <= this.#room.length;
    const buffer = fits ? this.#room : Buffer.allocUnsafeSlow(total);
    let at = fits ? this.#used : 0;
    for (let i = 0; i < count; i++) {
      offsets[i] = at;
      at += lengths[i]!;
    }
    if (fits) this.#used = at;
    try {
      this.#addon.readMemoryRanges(tid, addresses, lengths, buffer, offsets, got, ALL_MS);
    } catch (error) {
      // ESRCH: it was killed. What was read before stands in `got`.
      if (codeOf(error) === 'ETIMEDOUT') {
        abandoned.push(addresses, lengths, buffer, offsets, got);
        this.#stuck++;
        got = this.#readEach(tid, ranges, buffer, offsets, Uint32Array.from(got));
      }
    }
    return ranges.map(({ address }, i) => ({ address, bytes: buffer.subarray(offsets[i]!, offsets[i]! + got[i]!) }));
  }

  /** Range by range, but for those of which `got` has all. */
  #readEach(
    tid: number,
    ranges: readonly CopyRange[],
    buffer: Buffer,
    offsets: Float64Array,
    got: Uint32Array<ArrayBuffer>,
  ): Uint32Array<ArrayBuffer> {
    for (const [i, { address, size }] of ranges.entries()) {
      if (got[i] === size) continue;
      const one = [Float64Array.of(address), Uint32Array.of(size), Float64Array.of(offsets[i]!)] as const;
      const length = new Uint32Array(1);
      try {
        if (this.#stuck > MAX_STUCK) throw new Error('not read, after others that did not come');
        this.#addon.readMemoryRanges(tid, one[0], one[1], buffer, one[2], length, EACH_MS);
        got[i] = length[0]!;
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ESRCH') break;
        if (code === 'ETIMEDOUT') {
          abandoned.push(one, length);
          this.#stuck++;
        }
        const why = code === 'ETIMEDOUT' ? 'it does not come: another process serves it' : code;
        this.#losses?.add('memory', `0x${address.toString(16)}: ${why}`);
      }
    }
    return got;
  }

  /** What of the range lies before the first forbidden byte. */
  #allowed(range: CopyRange): CopyRange {
    const { address, size } = range;
    const first = this.#forbidden.find(({ start, end }) => address < end && start < address + size);
    if (first === undefined) return range;
    this.#losses?.add('memory', `0x${address.toString(16)}: ${first.name}: on a file system that a process serves`);
    return { address, size: Math.max(0, first.start - address) };
  }
}
