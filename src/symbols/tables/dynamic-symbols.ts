/** The dynamic symbol table of an image without section headers. */
import type { ByteSource } from '../../bytes/byte-source.js';
import type { ElfFile } from '../../objects/elf/elf-file.js';
import { SegmentType } from '../../objects/elf/layout.js';
import type { SymbolTablePlace } from './symbol-table.js';

/** Tags of the dynamic section (ELF gABI, "Dynamic Section"; DT_GNU_HASH: GNU extension). */
const DT_NULL = 0;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const DT_GNU_HASH = 0x6fff_fef5;

/** More tags than linkers write; more symbols than a library exports. */
const MAX_TAGS = 512;
const MAX_SYMBOLS = 4 << 20;

/**
 * The dynamic symbol table of an ELF image that has no section headers, or of one that is only in memory.
 *
 * The dynamic section does not say how many symbols there are; DT_HASH does (nchain), else the chains of DT_GNU_HASH
 * end at the last one. Some dynamic loaders (glibc's) put absolute addresses into the section of a loaded library:
 * `relocation` (load address less link address) is taken off from pointers that are no addresses of the image as they
 * stand.
 *
 * @returns null where the section is absent, unreadable or says nothing about symbols
 */
export function dynamicSymbolTable(elf: ElfFile, relocation = 0): SymbolTablePlace | null {
  const dynamic = elf.segments.find((segment) => segment.type === SegmentType.dynamic);
  if (dynamic === undefined) return null;
  const tags = readTags(elf, dynamic.offset, dynamic.filesz);
  const offset = (tag: number): number => {
    const address = tags.get(tag);
    if (address === undefined) return -1;
    const asItStands = elf.offsetOf(address);
    return asItStands >= 0 ? asItStands : elf.offsetOf(address - relocation);
  };
  const symbols = offset(DT_SYMTAB);
  const strings = offset(DT_STRTAB);
  const stringsSize = tags.get(DT_STRSZ) ?? 0;
  const entrySize = tags.get(DT_SYMENT) ?? (elf.bits === 64 ? 24 : 16);
  if (symbols < 0 || strings < 0 || !(stringsSize > 0) || !Number.isSafeInteger(stringsSize)) return null;
  const hash = offset(DT_HASH);
  const gnuHash = offset(DT_GNU_HASH);
  let count = hash < 0 ? 0 : word32(elf.source, hash + 4);
  if (!(count > 0) && gnuHash >= 0) count = gnuHashCount(elf.source, gnuHash, elf.wordSize);
  if (!(count > 0)) return null;
  return { symbols, symbolsSize: Math.min(count, MAX_SYMBOLS) * entrySize, entrySize, strings, stringsSize };
}

/** d_tag and d_val of each entry up to DT_NULL; of a tag that comes twice the first. */
function readTags(elf: ElfFile, offset: number, size: number): Map<number, number> {
  const word = elf.wordSize;
  const tags = new Map<number, number>();
  const bytes = elf.source.bytes(offset, Math.min(size, MAX_TAGS * 2 * word));
  for (let at = 0; at + 2 * word <= bytes.length; at += 2 * word) {
    const tag = value(bytes, at, word);
    if (tag === DT_NULL) break;
    if (!tags.has(tag)) tags.set(tag, value(bytes, at + word, word));
  }
  return tags;
}

/**
 * Symbols that a DT_GNU_HASH table covers: u32 nbuckets, symoffset, bloom_size, bloom_shift, bloom_size words, nbuckets
 * bucket heads, then one u32 per hashed symbol whose bit 0 ends its chain. The chain that begins last ends with the
 * last symbol.
 */
function gnuHashCount(source: ByteSource, table: number, word: number): number {
  const buckets = word32(source, table);
  const offset = word32(source, table + 4);
  const bloom = word32(source, table + 8);
  if (buckets < 0 || buckets > MAX_SYMBOLS || offset < 0 || bloom < 0) return -1;
  const heads = source.bytes(table + 16 + bloom * word, 4 * buckets);
  if (heads.length < 4 * buckets) return -1;
  let last = 0;
  for (let at = 0; at < heads.length; at += 4) last = Math.max(last, value(heads, at, 4));
  if (last < offset) return offset; // empty: only what comes before the hashed ones
  const chains = table + 16 + bloom * word + 4 * buckets;
  for (let i = last; i < offset + MAX_SYMBOLS; ) {
    const chunk = source.bytes(chains + 4 * (i - offset), 4096);
    if (chunk.length < 4) return i;
    for (let at = 0; at + 4 <= chunk.length; at += 4, i++) if (chunk[at]! & 1) return i + 1;
  }
  return MAX_SYMBOLS;
}

/** A little-endian number of 4 or 8 bytes. */
function value(bytes: Uint8Array, at: number, size: number): number {
  const low = bytes[at]! + bytes[at + 1]! * 2 ** 8 + bytes[at + 2]! * 2 ** 16 + bytes[at + 3]! * 2 ** 24;
  return size === 4 ? low : low + value(bytes, at + 4, 4) * 2 ** 32;
}

/** The u32 at an offset, or -1. */
function word32(source: ByteSource, offset: number): number {
  const bytes = source.bytes(offset, 4);
  return bytes.length === 4 ? value(bytes, 0, 4) : -1;
}
