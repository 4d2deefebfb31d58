/** All symbol tables of one ELF image, in their order of search. */
import type { ByteSource } from '../../bytes/byte-source.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import { gnuDebugData } from '../../objects/elf/gnu-debugdata.js';
import type { FunctionAt, SymbolSource } from '../provider.js';
import { dynamicSymbolTable } from './dynamic-symbols.js';
import { SymbolTable, type SymbolTablePlace } from './symbol-table.js';

const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const EM_ARM = 40;
const ET_REL = 1;

export interface ElfSymbolsOptions {
  /**
   * Whether an image without section headers is named by its dynamic segment. Android's unwinder does not do it.
   * @default true
   */
  readonly dynamic?: boolean;
  /**
   * How much higher than its link addresses a dynamic loader may have put an image that is read from memory.
   * @default 0
   */
  readonly relocation?: number;
  /**
   * What one symbol table is read as, which decides where several functions share an address.
   * @default SymbolTable
   */
  readonly Table?: new (
    bytes: ByteSource,
    is64: boolean,
    place: SymbolTablePlace,
  ) => FunctionTable;
}

/** One symbol table of an image. */
export interface FunctionTable extends SymbolSource {
  readonly byteLength: number;
  /** Whether it names no function. */
  readonly isEmpty: boolean;
  /** Value and size of the defined, global object `name` (a variable); null when there is none. */
  global(name: string): { readonly value: number; readonly size: number } | null;
}

/**
 * The functions of one ELF image, in Android's order of search: each .symtab and .dynsym as the sections stand, then
 * those of .gnu_debugdata. Tables are compiled when they are first searched.
 */
export class ElfSymbols implements SymbolSource {
  readonly #elf: ElfFile;
  readonly #options: ElfSymbolsOptions;
  readonly #arm: boolean;
  #outer: readonly FunctionTable[] | null = null;
  #inner: readonly FunctionTable[] | null = null;

  constructor(elf: ElfFile, options: ElfSymbolsOptions = {}) {
    this.#elf = elf;
    this.#options = options;
    this.#arm = elf.machine === EM_ARM;
  }

  functionAt(address: number): FunctionAt | null {
    if (!(address >= 0 && address <= Number.MAX_SAFE_INTEGER)) return null;
    // Thumb functions have bit 0 set in the table, which is no part of their address.
    const wanted = this.#arm && address % 2 === 0 ? address + 1 : address;
    const found = search(this.#outerTables(), wanted) ?? search(this.#innerTables(), wanted);
    if (found === null || !this.#arm) return found;
    return { name: found.name, offset: found.offset - (found.offset % 2) };
  }

  /** Address and size of a global variable (a defined STT_OBJECT); null when the image has none of that name. */
  variable(name: string): { readonly value: number; readonly size: number } | null {
    return globalIn(this.#outerTables(), name) ?? globalIn(this.#innerTables(), name);
  }

  get isEmpty(): boolean {
    return [...this.#outerTables(), ...this.#innerTables()].every((table) => table.isEmpty);
  }

  /** Bytes that the compiled tables take: for a cache's bound. */
  get byteLength(): number {
    let total = 0;
    for (const table of [...(this.#outer ?? []), ...(this.#inner ?? [])]) total += table.byteLength;
    return total;
  }

  #outerTables(): readonly FunctionTable[] {
    this.#outer ??= tablesOf(this.#elf, this.#options);
    return this.#outer;
  }

  #innerTables(): readonly FunctionTable[] {
    if (this.#inner === null) {
      const inner = gnuDebugData(this.#elf);
      this.#inner = inner instanceof ElfFile ? tablesOf(inner, { ...this.#options, dynamic: false }) : [];
    }
    return this.#inner;
  }
}

function search(tables: readonly FunctionTable[], address: number): FunctionAt | null {
  for (const table of tables) {
    const found = table.functionAt(address);
    if (found !== null) return found;
  }
  return null;
}

function globalIn(
  tables: readonly FunctionTable[],
  name: string,
): { readonly value: number; readonly size: number } | null {
  for (const table of tables) {
    const found = table.global(name);
    if (found !== null) return found;
  }
  return null;
}

/** More symbol tables than any file has. */
const MAX_TABLES = 16;

function tablesOf(elf: ElfFile, options: ElfSymbolsOptions): FunctionTable[] {
  const tables: FunctionTable[] = [];
  const { Table: Kind = SymbolTable } = options;
  const add = (place: SymbolTablePlace): void => {
    if (tables.length < MAX_TABLES) tables.push(new Kind(elf.source, elf.bits === 64, place));
  };
  // What LLVM shows through the JIT interface is an object file, its sections placed but not its symbols.
  const bases = elf.type === ET_REL ? { bases: elf.sections.map((section) => section.addr) } : {};
  for (const section of elf.sections) {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) continue;
    const strings = elf.sections[section.link];
    if (strings === undefined) continue;
    add({
      symbols: section.offset,
      symbolsSize: section.size,
      entrySize: section.entsize,
      strings: strings.offset,
      stringsSize: strings.size,
      ...bases,
    });
  }
  if (elf.sections.length === 0 && options.dynamic !== false) {
    const place = dynamicSymbolTable(elf, options.relocation);
    if (place !== null) add(place);
  }
  return tables;
}
