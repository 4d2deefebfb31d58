import { BufferSource } from '../../src/bytes/byte-source.js';
import { ElfError } from '../../src/objects/elf/elf-error.js';
import { ElfFile } from '../../src/objects/elf/elf-file.js';
import { buildElf, type ElfSpec, type SectionSpec, stringTable } from '../objects/elf/elf-builder.js';

export const FUNC = 2;
export const OBJECT = 1;
export const IFUNC = 10;
export const GLOBAL = 1;

export interface SymbolSpec {
  readonly name: string;
  readonly value: number;
  readonly size?: number;
  /** @default FUNC */
  readonly type?: number;
  /** @default GLOBAL */
  readonly binding?: number;
  /** @default 1: defined */
  readonly section?: number;
}

/** A symbol table (with its null entry) and its strings. */
export function symbolTable(
  bits: 32 | 64,
  symbols: readonly SymbolSpec[],
): { readonly symbols: Uint8Array; readonly strings: Uint8Array } {
  const strings = stringTable(symbols.map(({ name }) => name));
  const size = bits === 64 ? 24 : 16;
  const bytes = new Uint8Array(size * (symbols.length + 1));
  const view = new DataView(bytes.buffer);
  symbols.forEach((symbol, i) => {
    const at = size * (i + 1);
    const info = ((symbol.binding ?? GLOBAL) << 4) | (symbol.type ?? FUNC);
    view.setUint32(at, strings.offsets[symbol.name]!, true);
    if (bits === 64) {
      view.setUint8(at + 4, info);
      view.setUint16(at + 6, symbol.section ?? 1, true);
      view.setBigUint64(at + 8, BigInt(symbol.value), true);
      view.setBigUint64(at + 16, BigInt(symbol.size ?? 0), true);
    } else {
      view.setUint32(at + 4, symbol.value, true);
      view.setUint32(at + 8, symbol.size ?? 0, true);
      view.setUint8(at + 12, info);
      view.setUint16(at + 14, symbol.section ?? 1, true);
    }
  });
  return { symbols: bytes, strings: strings.bytes };
}

/** The sections of a symbol table; `first` is the section index that they get (1 for the first in the file). */
export function symbolSections(
  bits: 32 | 64,
  symbols: readonly SymbolSpec[],
  first: number,
  kind: 'symtab' | 'dynsym' = 'symtab',
): SectionSpec[] {
  const table = symbolTable(bits, symbols);
  return [
    {
      name: `.${kind}`,
      type: kind === 'symtab' ? 2 : 11,
      bytes: table.symbols,
      link: first + 1,
      entsize: bits === 64 ? 24 : 16,
    },
    { name: kind === 'symtab' ? '.strtab' : '.dynstr', type: 3, bytes: table.strings },
  ];
}

/** Null for bytes that are no ELF image. */
export function tryElf(bytes: Uint8Array): ElfFile | null {
  const elf = ElfFile.parse(new BufferSource(bytes));
  return elf instanceof ElfError ? null : elf;
}

export function parseElf(spec: ElfSpec): ElfFile {
  const elf = tryElf(buildElf(spec).bytes);
  if (elf === null) throw new Error('not an ELF image');
  return elf;
}
