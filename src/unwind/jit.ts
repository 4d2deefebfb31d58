import type { Arch } from '../arch/arch.js';
import type { CfiTable } from '../dwarf/cfi-table.js';
import { debugFrame, ehFrame } from '../dwarf/frame-sections.js';
import { RegisterMap } from '../dwarf/register-map.js';
import { ElfFile } from '../elf/elf-file.js';
import { gnuDebugData } from '../elf/gnu-debugdata.js';
import type { Memory } from '../memory/memory.js';
import { MemorySource } from '../memory/memory-source.js';
import {
  type DebugEntry,
  type DebugListLayout,
  LAYOUT_64,
  LAYOUT_ARM,
  LAYOUT_X86,
  readDebugList,
} from './debug-list.js';
import type { JitSource } from './module.js';

const PT_LOAD = 1;
const SHF_ALLOC_EXEC = 0x2 | 0x4;

/** How the target's compiler lays out the list's entries. */
export function debugListLayout(arch: Arch): DebugListLayout {
  if (arch.wordSize === 8) return LAYOUT_64;
  return arch.name === 'x86' ? LAYOUT_X86 : LAYOUT_ARM;
}

export interface GdbJitOptions {
  readonly arch: Arch;
  readonly memory: Memory;
  /** Addresses where `__jit_debug_descriptor` may be, the best first. Asked once, when the first pc is looked for. */
  readonly descriptors: () => Iterable<number>;
}

interface JitImage {
  readonly elf: ElfFile;
  tables: readonly CfiTable[] | null;
}

/**
 * Code made at run time, as gdb's JIT interface shows it: ELF images in memory, whose addresses are absolute. The list is read when
 * it is first needed; images are parsed in place, not copied.
 */
export class GdbJit implements JitSource {
  readonly #options: GdbJitOptions;
  readonly #registers: RegisterMap;
  #images: readonly JitImage[] | null = null;

  constructor(options: GdbJitOptions) {
    this.#options = options;
    this.#registers = new RegisterMap(options.arch);
  }

  /** ELF images in the list. */
  get size(): number {
    return this.#all().length;
  }

  /**
   * The image that covers `pc`: by its segments; where it has none (Android's runtime, which packs many methods into one image) by
   * its unwind tables, those of .gnu_debugdata included; else by its executable sections.
   */
  find(pc: number): ElfFile | null {
    let inSection: ElfFile | null = null;
    for (const image of this.#all()) {
      const where = inSections(image.elf, pc);
      if (where === OUTSIDE) continue;
      if (where === INSIDE) inSection ??= image.elf;
      if (this.#covers(image, pc)) return image.elf;
    }
    return inSection;
  }

  #covers(image: JitImage, pc: number): boolean {
    let loaded = false;
    for (const segment of image.elf.segments) {
      if (segment.type !== PT_LOAD) continue;
      loaded = true;
      if (pc >= segment.vaddr && pc - segment.vaddr < segment.memsz) return true;
    }
    if (loaded) return false;
    image.tables ??= this.#tables(image.elf);
    return image.tables.some((table) => table.find(pc) >= 0);
  }

  #tables(elf: ElfFile): readonly CfiTable[] {
    const inner = gnuDebugData(elf);
    const tables: CfiTable[] = [];
    for (const one of inner instanceof ElfFile ? [elf, inner] : [elf]) {
      for (const table of [debugFrame(one, this.#registers), ehFrame(one, this.#registers)]) {
        if (table !== null) tables.push(table);
      }
    }
    return tables;
  }

  #all(): readonly JitImage[] {
    this.#images ??= this.#read();
    return this.#images;
  }

  #read(): readonly JitImage[] {
    const { arch, memory } = this.#options;
    for (const descriptor of this.#options.descriptors()) {
      const list = readDebugList(memory, descriptor, debugListLayout(arch));
      if (list === null) continue;
      const images: JitImage[] = [];
      for (const entry of list.entries) {
        const elf = ElfFile.parse(sourceOf(memory, entry));
        if (elf instanceof ElfFile && elf.machine === arch.elfMachine) images.push({ elf, tables: null });
      }
      return images;
    }
    return [];
  }
}

function sourceOf(memory: Memory, entry: DebugEntry): MemorySource {
  return new MemorySource(memory, [{ offset: 0, address: entry.address, size: entry.size }]);
}

const UNKNOWN = 0;
const INSIDE = 1;
const OUTSIDE = 2;

/** Whether `pc` lies in an executable section; UNKNOWN where the image has none, or no addresses for them. */
function inSections(elf: ElfFile, pc: number): typeof UNKNOWN | typeof INSIDE | typeof OUTSIDE {
  let known = false;
  for (const section of elf.sections) {
    if ((section.flags & SHF_ALLOC_EXEC) !== SHF_ALLOC_EXEC || !(section.addr > 0)) continue;
    known = true;
    if (pc >= section.addr && pc - section.addr < section.size) return INSIDE;
  }
  return known && elf.segments.length === 0 ? OUTSIDE : UNKNOWN;
}
