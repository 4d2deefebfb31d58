/** Builds small ELF images for tests: sections and segments where the test wants them, headers around them. */

export interface SectionSpec {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly addr?: number;
  readonly bytes: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entsize?: number;
  readonly align?: number;
}

export interface SegmentSpec {
  readonly type: number;
  readonly flags?: number;
  readonly offset: number;
  readonly vaddr?: number;
  readonly filesz: number;
  readonly memsz?: number;
}

export interface ElfSpec {
  readonly bits?: 32 | 64;
  readonly machine?: number;
  readonly type?: number;
  readonly sections?: readonly SectionSpec[];
  /** Program headers; those with `section` take offset, address and size from that section. */
  readonly segments?: readonly (
    | SegmentSpec
    | { readonly type: number; readonly flags?: number; readonly section: string }
  )[];
  /** Leave the section headers out. */
  readonly noSectionHeaders?: boolean;
}

export interface BuiltElf {
  readonly bytes: Uint8Array;
  /** File offsets of the sections. */
  readonly offsets: Readonly<Record<string, number>>;
}

const EM_X86_64 = 62;

export function buildElf(spec: ElfSpec): BuiltElf {
  const wide = (spec.bits ?? 64) === 64;
  const header = wide ? 64 : 52;
  const phentsize = wide ? 56 : 32;
  const shentsize = wide ? 64 : 40;
  const segments = spec.segments ?? [];
  const named = [...(spec.sections ?? [])];
  const strings = stringTable(['.shstrtab', ...named.map((section) => section.name)]);
  const sections: SectionSpec[] = [...named, { name: '.shstrtab', type: 3, bytes: strings.bytes }];
  let at = header + phentsize * segments.length;
  const offsets: Record<string, number> = {};
  for (const section of sections) {
    const align = section.align ?? 8;
    at = Math.ceil(at / align) * align;
    offsets[section.name] = at;
    at += section.type === 8 ? 0 : section.bytes.length;
  }
  const shoff = Math.ceil(at / 8) * 8;
  const bytes = new Uint8Array(spec.noSectionHeaders ? at : shoff + shentsize * (sections.length + 1));
  const view = new DataView(bytes.buffer);
  const word = (offset: number, value: number): void => {
    if (wide) view.setBigUint64(offset, BigInt(value), true);
    else view.setUint32(offset, value, true);
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, spec.type ?? 3, true);
  view.setUint16(18, spec.machine ?? EM_X86_64, true);
  view.setUint32(20, 1, true);
  word(wide ? 32 : 28, segments.length === 0 ? 0 : header);
  word(wide ? 40 : 32, spec.noSectionHeaders ? 0 : shoff);
  const tail = wide ? 52 : 40;
  view.setUint16(tail, header, true);
  view.setUint16(tail + 2, phentsize, true);
  view.setUint16(tail + 4, segments.length, true);
  view.setUint16(tail + 6, shentsize, true);
  view.setUint16(tail + 8, spec.noSectionHeaders ? 0 : sections.length + 1, true);
  view.setUint16(tail + 10, spec.noSectionHeaders ? 0 : sections.length, true);
  segments.forEach((segment, i) => {
    const p = header + i * phentsize;
    const section = 'section' in segment ? sections.find((one) => one.name === segment.section)! : null;
    const place =
      'section' in segment
        ? {
            offset: offsets[segment.section]!,
            vaddr: section!.addr ?? 0,
            filesz: section!.bytes.length,
            memsz: section!.bytes.length,
          }
        : {
            offset: segment.offset,
            vaddr: segment.vaddr ?? segment.offset,
            filesz: segment.filesz,
            memsz: segment.memsz ?? segment.filesz,
          };
    view.setUint32(p, segment.type, true);
    view.setUint32(p + (wide ? 4 : 24), segment.flags ?? 0, true);
    word(p + (wide ? 8 : 4), place.offset);
    word(p + (wide ? 16 : 8), place.vaddr);
    word(p + (wide ? 32 : 16), place.filesz);
    word(p + (wide ? 40 : 20), place.memsz);
  });
  sections.forEach((section, i) => {
    const offset = offsets[section.name]!;
    if (section.type !== 8) bytes.set(section.bytes, offset);
    if (spec.noSectionHeaders) return;
    const s = shoff + (i + 1) * shentsize;
    view.setUint32(s, strings.offsets[section.name]!, true);
    view.setUint32(s + 4, section.type ?? 1, true);
    word(s + 8, section.flags ?? 0);
    word(s + (wide ? 16 : 12), section.addr ?? 0);
    word(s + (wide ? 24 : 16), offset);
    word(s + (wide ? 32 : 20), section.bytes.length);
    view.setUint32(s + (wide ? 40 : 24), section.link ?? 0, true);
    view.setUint32(s + (wide ? 44 : 28), section.info ?? 0, true);
    word(s + (wide ? 56 : 36), section.entsize ?? 0);
  });
  return { bytes, offsets };
}

/** A string table and where each string begins in it. */
export function stringTable(names: readonly string[]): { bytes: Uint8Array; offsets: Record<string, number> } {
  const offsets: Record<string, number> = {};
  let text = '\0';
  for (const name of names) {
    offsets[name] ??= text.length;
    text += `${name}\0`;
  }
  return { bytes: Buffer.from(text), offsets };
}

/** A GNU build id note. */
export function buildIdNote(id: Uint8Array): Uint8Array {
  const note = new Uint8Array(16 + id.length);
  const view = new DataView(note.buffer);
  view.setUint32(0, 4, true);
  view.setUint32(4, id.length, true);
  view.setUint32(8, 3, true);
  note.set([0x47, 0x4e, 0x55, 0], 12);
  note.set(id, 16);
  return note;
}

/** Words of 4 or 8 bytes, little-endian. */
export function words(size: 4 | 8, ...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(size * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (size === 8) view.setBigUint64(8 * i, BigInt(value), true);
    else view.setUint32(4 * i, value, true);
  });
  return bytes;
}
