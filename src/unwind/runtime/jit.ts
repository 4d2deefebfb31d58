/** Code that was made at run time and shown through gdb's JIT interface. */
import type { Arch } from '../../arch/arch.js';
import type { Memory } from '../../bytes/memory.js';
import { MemorySource } from '../../bytes/memory-source.js';
import type { FdeIndex } from '../../objects/dwarf/fde-index.js';
import { frameRanges } from '../../objects/dwarf/frame-sections.js';
import { ElfFile } from '../../objects/elf/elf-file.js';
import { gnuDebugData } from '../../objects/elf/gnu-debugdata.js';
import { SegmentFlag, SegmentType } from '../../objects/elf/layout.js';
import {
  type DebugEntry,
  type DebugListLayout,
  LAYOUT_64,
  LAYOUT_ARM,
  LAYOUT_X86,
  readDebugList,
} from './debug-list.js';

const SHF_ALLOC_EXEC = 0x2 | 0x4;

/** Images that cover one pc, of which the symbols are read. */
const MAX_ASKED = 64;

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
  /** Whether an image's symbols name an address; asked where several images cover it. */
  readonly names?: (elf: ElfFile, pc: number) => boolean;
  /**
   * Whether an image without tables covers what its executable sections hold. Android's unwinder does not think so.
   * @default true
   */
  readonly sections?: boolean;
}

interface JitImage {
  readonly elf: ElfFile;
  /** Addresses that the frame descriptions cover, made when they are first needed. */
  ranges: readonly FdeIndex[] | null;
}

/**
 * Code made at run time, as gdb's JIT interface shows it: ELF images in memory, whose addresses are absolute. The list
 * is read when it is first needed; images are parsed in place, not copied.
 */
export class GdbJit {
  readonly #options: GdbJitOptions;
  #images: readonly JitImage[] | null = null;

  constructor(options: GdbJitOptions) {
    this.#options = options;
  }

  /** ELF images in the list. */
  get size(): number {
    return this.#all().length;
  }

  /**
   * The image that covers `pc`: by its executable segments; where it has none (Android's runtime, which packs many
   * methods into one image) by its unwind tables, those of .gnu_debugdata included; else by its executable sections.
   *
   * Of several the first that names the pc, in the order of the entries' addresses, else the last: Android's choice.
   */
  find(pc: number): ElfFile | null {
    const images = this.#all();
    const places = images.map(({ elf }) => inSections(elf, pc));
    // Tables of images whose sections lie elsewhere are read only where no other image has the pc.
    const found = this.#choose(
      images.filter((_, i) => places[i] !== OUTSIDE),
      pc,
    );
    if (found !== null) return found;
    const inside = places.indexOf(INSIDE);
    if (inside >= 0 && this.#options.sections !== false) return images[inside]!.elf;
    return this.#choose(
      images.filter((_, i) => places[i] === OUTSIDE),
      pc,
    );
  }

  #choose(images: readonly JitImage[], pc: number): ElfFile | null {
    const covering = images.filter((image) => covers(image, pc));
    if (covering.length > 1 && this.#options.names !== undefined) {
      for (const { elf } of covering.slice(0, MAX_ASKED)) if (this.#options.names(elf, pc)) return elf;
    }
    return covering.at(-1)?.elf ?? null;
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
      for (const entry of [...list.entries].sort((a, b) => a.entry - b.entry)) {
        const elf = ElfFile.parse(sourceOf(memory, entry));
        if (elf instanceof ElfFile && elf.machine === arch.elfMachine) images.push({ elf, ranges: null });
      }
      return images;
    }
    return [];
  }
}

function sourceOf(memory: Memory, entry: DebugEntry): MemorySource {
  return new MemorySource(memory, [{ offset: 0, address: entry.address, size: entry.size }]);
}

function covers(image: JitImage, pc: number): boolean {
  let tables = false;
  for (const elf of imagesIn(image.elf)) {
    let loaded = false;
    for (const segment of elf.segments) {
      if (segment.type !== SegmentType.load || (segment.flags & SegmentFlag.x) === 0) continue;
      loaded = true;
      if (pc >= segment.vaddr && pc - segment.vaddr < segment.memsz) return true;
    }
    if (!loaded) tables = true;
  }
  if (!tables) return false;
  image.ranges ??= imagesIn(image.elf).flatMap((elf) => frameRanges(elf));
  return image.ranges.some((ranges) => ranges.find(pc) >= 0);
}

/** An image, and the one in its .gnu_debugdata. */
function imagesIn(elf: ElfFile): readonly ElfFile[] {
  const inner = gnuDebugData(elf);
  return inner instanceof ElfFile ? [elf, inner] : [elf];
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
