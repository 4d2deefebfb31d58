/** Builds small dex files: one class per element, its methods with code of the given size. */
export interface DexClass {
  /** `Lcom/example/Foo;` */
  readonly descriptor: string;
  readonly methods: readonly { readonly name: string; readonly codeUnits: number; readonly virtual?: boolean }[];
  /** Instance fields, which stand before the methods. */
  readonly fields?: number;
}

export interface BuiltDex {
  readonly bytes: Uint8Array;
  /** Offset of the first instruction, by `descriptor->name`. */
  readonly code: Readonly<Record<string, number>>;
}

const HEADER = 0x70;

/** Unsigned LEB128. */
function uleb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

export interface DexOptions {
  /** Compact dex: cdex001, data in a section of its own. */
  readonly compact?: boolean;
  /** Version 041: this many bytes of the container lie before the header. */
  readonly containerOffset?: number;
}

export function buildDex(classes: readonly DexClass[], options: DexOptions = {}): BuiltDex {
  const { compact = false, containerOffset } = options;
  const base = containerOffset ?? 0;
  const header = containerOffset === undefined ? HEADER : 0x78;
  const strings = [...new Set(classes.flatMap((one) => [one.descriptor, ...one.methods.map(({ name }) => name)]))];
  const methods = classes.flatMap((one, type) => one.methods.map((method) => ({ type, ...method })));
  const stringIds = header;
  const typeIds = stringIds + 4 * strings.length;
  const methodIds = typeIds + 4 * classes.length;
  const classDefs = methodIds + 8 * methods.length;
  const dataStart = classDefs + 32 * classes.length;
  const data: number[] = [];
  /** Offsets in the data count from the header, compact: from the data section. */
  const place = (): number => (compact ? 0 : dataStart + base) + data.length;
  const stringOffsets = strings.map((text) => {
    const at = place();
    data.push(...uleb(text.length), ...Buffer.from(text), 0);
    return at;
  });
  const code: Record<string, number> = {};
  const codeOffsets = methods.map((method) => {
    if (method.codeUnits === 0) return 0;
    if (compact && method.codeUnits > 0x7ff) {
      const more = method.codeUnits;
      data.push((more >>> 16) & 255, more >>> 24, more & 255, (more >>> 8) & 255);
    } else while (data.length % 4 !== 0) data.push(0);
    const at = place();
    if (compact) {
      const flags = method.codeUnits > 0x7ff ? 0x10 : method.codeUnits << 5;
      data.push(0, 0, flags & 255, flags >>> 8);
    } else {
      const size = Buffer.alloc(16);
      size.writeUInt32LE(method.codeUnits, 12);
      data.push(...size);
    }
    code[`${classes[method.type]!.descriptor}->${method.name}`] = dataStart + data.length;
    for (let i = 0; i < 2 * method.codeUnits; i++) data.push(0xee);
    return at;
  });
  let index = 0;
  const classData = classes.map((one) => {
    const at = place();
    const direct = one.methods.filter((method) => !method.virtual);
    const fields = one.fields ?? 0;
    data.push(...uleb(0), ...uleb(fields), ...uleb(direct.length), ...uleb(one.methods.length - direct.length));
    for (let i = 0; i < fields; i++) data.push(...uleb(i === 0 ? 300 : 1), ...uleb(1));
    const first = index;
    for (const virtual of [false, true]) {
      let before = 0;
      one.methods.forEach((method, i) => {
        if ((method.virtual ?? false) !== virtual) return;
        data.push(...uleb(first + i - before), ...uleb(0x10001), ...uleb(codeOffsets[first + i]!));
        before = first + i;
      });
    }
    index += one.methods.length;
    return at;
  });
  const bytes = Buffer.alloc(dataStart + data.length);
  bytes.write(compact ? 'cdex001\0' : containerOffset === undefined ? 'dex\n035\0' : 'dex\n041\0', 'latin1');
  const u32 = (at: number, ...values: number[]): void => {
    values.forEach((value, i) => {
      bytes.writeUInt32LE(value, at + 4 * i);
    });
  };
  u32(32, bytes.length, header, 0x12345678);
  u32(56, strings.length, stringIds + base, classes.length, typeIds + base);
  u32(88, methods.length, methodIds + base, classes.length, classDefs + base, data.length, dataStart);
  if (containerOffset !== undefined) u32(HEADER, base + bytes.length, base);
  strings.forEach((_, i) => {
    u32(stringIds + 4 * i, stringOffsets[i]!);
  });
  classes.forEach((one, i) => {
    u32(typeIds + 4 * i, strings.indexOf(one.descriptor));
    u32(classDefs + 32 * i, i);
    u32(classDefs + 32 * i + 24, classData[i]!);
  });
  methods.forEach((method, i) => {
    bytes.writeUInt16LE(method.type, methodIds + 8 * i);
    u32(methodIds + 8 * i + 4, strings.indexOf(method.name));
  });
  bytes.set(data, dataStart);
  return { bytes, code };
}
