/**
 * /proc/PID/maps: the text is the kernel's (proc(5)), but the names in it are the target's: they may hold spaces, and a
 * newline is printed as `\012`, so a line is a line. What does not parse is left out and counted.
 *
 *     7f1c2a000000-7f1c2a021000 rw-p 00000000 fd:01 131145                     /usr/lib/libc.so.6
 */

export interface MapsEntry {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** `rwxp` with dashes for what is not allowed, `s` for shared. */
  readonly perms: string;
  /** Offset in the file, in bytes. */
  readonly offset: number;
  /** `fd:01`, `00:00` when anonymous. */
  readonly device: string;
  /** 0 when anonymous. Above 2^53 the nearest double. */
  readonly inode: number;
  /** As printed: a path, `/path (deleted)`, `[stack]`, '' when anonymous. */
  readonly name: string;
}

export interface Maps {
  /** Ascending and disjoint. */
  readonly mappings: readonly MapsEntry[];
  /** Lines that are no mapping below 2^53 (x86_64's [vsyscall] is one), or out of order. */
  readonly skipped: number;
}

const SPACE = 0x20;
const DASH = 0x2d;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;
const NO_TEXT = Buffer.alloc(0);

/** Parses the whole text. An unfinished last line (a truncated copy) is left out. */
export function parseMaps(text: Uint8Array): Maps {
  parser.begin(text);
  const mappings: MapsEntry[] = [];
  let skipped = 0;
  let end = 0;
  for (let at = 0; at < text.length; ) {
    let newline = text.indexOf(NEWLINE, at);
    if (newline < 0) {
      skipped++;
      break;
    }
    const mapping = parser.parse(at, newline);
    if (mapping === null || mapping.start < end) skipped++;
    else {
      mappings.push(mapping);
      end = mapping.end;
    }
    at = ++newline;
  }
  parser.end();
  return { mappings, skipped };
}

/** The mapping that holds `address`, or -1. */
export function mappingIndex(mappings: readonly MapsEntry[], address: number): number {
  const index = mappingAfter(mappings, address) - 1;
  return index >= 0 && address < mappings[index]!.end ? index : -1;
}

/** Index of the first mapping that starts above `address`; the number of mappings when none does. */
export function mappingAfter(mappings: readonly MapsEntry[], address: number): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mappings[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Texts that come again on the next line (device, name) are made once. */
class LineParser {
  #text: Buffer = NO_TEXT;
  readonly #perms = new Map<number, string>();
  #at = 0;
  #device = '';
  #name = '';

  begin(text: Uint8Array): void {
    this.#text = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
    this.#device = '';
    this.#name = '';
  }

  end(): void {
    this.#text = NO_TEXT;
  }

  parse(start: number, end: number): MapsEntry | null {
    this.#at = start;
    const from = this.#number(16, end, DASH);
    const to = this.#number(16, end, SPACE);
    if (from < 0 || to <= from || this.#at + 5 > end) return null;
    const perms = this.#permissions();
    if (perms === null) return null;
    const offset = this.#number(16, end, SPACE);
    const deviceAt = this.#at;
    if (offset < 0 || this.#number(16, end, COLON) < 0 || this.#number(16, end, SPACE) < 0) return null;
    this.#device = this.#same(this.#device, deviceAt, this.#at - 1, 'latin1');
    const inode = this.#inode(end);
    if (inode < 0) return null;
    let nameAt = this.#at;
    while (nameAt < end && this.#text[nameAt] === SPACE) nameAt++;
    if (nameAt < end) this.#name = this.#same(this.#name, nameAt, end, 'utf8');
    const name = nameAt < end ? this.#name : '';
    return { start: from, end: to, perms, offset, device: this.#device, inode, name };
  }

  /** Digits up to `stop`, which is stepped over. -1 when there are none, other bytes, or more than 2^53. */
  #number(base: 10 | 16, end: number, stop: number): number {
    const text = this.#text;
    let value = 0;
    let at = this.#at;
    for (; at < end && text[at] !== stop; at++) {
      const digit = digitOf(text[at]!);
      if (digit >= base) return -1;
      value = value * base + digit;
      if (value > MAX_SAFE) return -1;
    }
    if (at === this.#at || at === end) return -1;
    this.#at = at + 1;
    return value;
  }

  #permissions(): string | null {
    const at = this.#at;
    const key = this.#text.readUInt32LE(at);
    let perms = this.#perms.get(key);
    if (perms === undefined) {
      perms = this.#text.toString('latin1', at, at + 4);
      if (!/^[r-][w-][x-][ps]$/.test(perms)) return null;
      this.#perms.set(key, perms);
    }
    if (this.#text[at + 4] !== SPACE) return null;
    this.#at = at + 5;
    return perms;
  }

  /** Decimal; the line ends after it when the mapping has no name (older kernels leave no space there). */
  #inode(end: number): number {
    let value = 0;
    const first = this.#at;
    let at = first;
    for (; at < end; at++) {
      const digit = this.#text[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === first || at - first > 20 || (at < end && this.#text[at] !== SPACE)) return -1;
    this.#at = at;
    return value;
  }

  #same(last: string, start: number, end: number, encoding: 'latin1' | 'utf8'): string {
    // From the end, where the names of two files differ; ASCII only, where bytes and characters are one.
    const text = this.#text;
    if (last.length === end - start && last !== '') {
      let i = last.length - 1;
      while (i >= 0 && last.charCodeAt(i) === text[start + i] && last.charCodeAt(i) < 0x80) i--;
      if (i < 0) return last;
    }
    return text.toString(encoding, start, end);
  }
}

function digitOf(byte: number): number {
  if (byte >= ZERO && byte <= 0x39) return byte - ZERO;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  return 99;
}

/** One for all texts: V8 drops what it compiled for the objects of a class when a collection finds none of them. */
const parser = new LineParser();
