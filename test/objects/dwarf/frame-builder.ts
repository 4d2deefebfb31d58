/**
 * Builds .eh_frame and .debug_frame sections for tests: an assembler of entries, with the encodings that the test asks
 * for.
 */
import type { PointerBases } from '../../../src/objects/dwarf/encoded-pointer.js';
import type { FrameSection } from '../../../src/objects/dwarf/frame-entry.js';

/** Unsigned LEB128. */
export function uleb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128. */
export function sleb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = ((rest % 128) + 128) % 128;
    rest = Math.floor(rest / 128);
    const done = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

/** A little-endian number of `size` bytes, negative ones as two's complement. */
export function le(size: number, value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (let i = 0; i < size; i++) {
    bytes.push(((rest % 256) + 256) % 256);
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

export interface CieSpec {
  readonly version?: number;
  readonly augmentation?: string;
  /** Bytes of the augmentation data, in the order of the string's letters. */
  readonly data?: readonly number[];
  readonly codeAlign?: number;
  readonly dataAlign?: number;
  readonly returnColumn?: number;
  readonly instructions?: readonly number[];
  /** After the augmentation string: the pointer of `eh`. */
  readonly ehData?: readonly number[];
  readonly addressSize?: number;
  readonly segmentSize?: number;
}

export interface FdeSpec {
  /** The encoded start and size. */
  readonly address: readonly number[];
  readonly segment?: readonly number[];
  /** Augmentation data; its length is written before it. Absent: no length. */
  readonly data?: readonly number[];
  readonly instructions: readonly number[];
}

/** Writes entries one behind the other and remembers where they are. */
export class FrameBuilder {
  readonly bytes: number[] = [];
  readonly #eh: boolean;
  readonly #wide: boolean;

  /** @param wide 64-bit DWARF: lengths are escaped */
  constructor(eh: boolean, wide = false) {
    this.#eh = eh;
    this.#wide = wide;
  }

  /** Position of the CIE. */
  cie(spec: CieSpec = {}): number {
    const { version = 1, augmentation = '', data } = spec;
    const body = [
      version,
      ...Buffer.from(augmentation),
      0,
      ...(spec.ehData ?? []),
      ...(version >= 4 ? [spec.addressSize ?? 8, spec.segmentSize ?? 0] : []),
      ...uleb(spec.codeAlign ?? 1),
      ...sleb(spec.dataAlign ?? -8),
      ...(version === 1 ? [spec.returnColumn ?? 16] : uleb(spec.returnColumn ?? 16)),
      ...(data === undefined ? [] : [...uleb(data.length), ...data]),
      ...(spec.instructions ?? []),
    ];
    const id = this.#eh ? le(4, 0) : this.#wide ? le(8, -1) : le(4, -1);
    return this.#entry([...id, ...body]);
  }

  /** Position of the FDE. */
  fde(cie: number, spec: FdeSpec): number {
    const idAt = this.bytes.length + (this.#wide ? 12 : 4);
    const id = this.#eh ? le(4, idAt - cie) : le(this.#wide ? 8 : 4, cie);
    const augmentation = spec.data === undefined ? [] : [...uleb(spec.data.length), ...spec.data];
    return this.#entry([...id, ...(spec.segment ?? []), ...spec.address, ...augmentation, ...spec.instructions]);
  }

  terminator(): void {
    this.bytes.push(0, 0, 0, 0);
  }

  section(bases: Partial<PointerBases> = {}): FrameSection {
    const full = { wordSize: 8 as const, section: 0, text: 0, data: 0, wordAt: () => Number.NaN, ...bases };
    return { bytes: Uint8Array.from(this.bytes), bases: full, eh: this.#eh };
  }

  #entry(content: readonly number[]): number {
    const at = this.bytes.length;
    this.bytes.push(
      ...(this.#wide ? [0xff, 0xff, 0xff, 0xff, ...le(8, content.length)] : le(4, content.length)),
      ...content,
    );
    return at;
  }
}
