/**
 * Structures as tables: a `Struct` is its size beside a list of fields, each with its kind and offset. `readStruct` and
 * `writeStruct` are the only code that knows how to move one.
 */
export type Kind = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'b64';

export interface StructField<K extends Kind = Kind> {
  readonly kind: K;
  readonly offset: number;
}

export type Fields = Readonly<Record<string, StructField>>;

export interface Struct<F extends Fields = Fields> {
  readonly size: number;
  readonly fields: F;
}

/** The values of a structure: a number per field, a bigint for `b64`. */
export type Values<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends StructField<'b64'> ? bigint : number;
};

export const u8 = (offset: number): StructField<'u8'> => ({ kind: 'u8', offset });
export const u16 = (offset: number): StructField<'u16'> => ({ kind: 'u16', offset });
export const u32 = (offset: number): StructField<'u32'> => ({ kind: 'u32', offset });
export const i32 = (offset: number): StructField<'i32'> => ({ kind: 'i32', offset });
/** 64 bits as a Number: exact below 2^53 and for page-aligned addresses; nearest double above. */
export const u64 = (offset: number): StructField<'u64'> => ({ kind: 'u64', offset });
/** 64 bits as a bigint, for values of which every bit counts. */
export const b64 = (offset: number): StructField<'b64'> => ({ kind: 'b64', offset });

export function struct<const F extends Fields>(size: number, fields: F): Struct<F> {
  return { size, fields };
}

/** Unsigned 64-bit integer at `offset` as a Number. */
export function getU64(view: DataView, offset: number, littleEndian: boolean): number {
  const first = view.getUint32(offset, littleEndian);
  const second = view.getUint32(offset + 4, littleEndian);
  return littleEndian ? second * 0x100000000 + first : first * 0x100000000 + second;
}

/** Stores a Number of at most 2^64 - 1 as 64 bits. */
export function setU64(view: DataView, offset: number, value: number, littleEndian = true): void {
  const low = value % 0x100000000;
  const high = (value - low) / 0x100000000;
  view.setUint32(littleEndian ? offset : offset + 4, low, littleEndian);
  view.setUint32(littleEndian ? offset + 4 : offset, high, littleEndian);
}

/** Reads the structure at `offset`; the caller has checked that `size` bytes are there. */
export function readStruct<F extends Fields>(
  view: DataView,
  offset: number,
  layout: Struct<F>,
  littleEndian: boolean,
): Values<F> {
  const values: Record<string, number | bigint> = {};
  for (const name in layout.fields) {
    const field = layout.fields[name] as StructField;
    const at = offset + field.offset;
    switch (field.kind) {
      case 'u8':
        values[name] = view.getUint8(at);
        break;
      case 'u16':
        values[name] = view.getUint16(at, littleEndian);
        break;
      case 'u32':
        values[name] = view.getUint32(at, littleEndian);
        break;
      case 'i32':
        values[name] = view.getInt32(at, littleEndian);
        break;
      case 'u64':
        values[name] = getU64(view, at, littleEndian);
        break;
      case 'b64':
        values[name] = view.getBigUint64(at, littleEndian);
        break;
    }
  }
  return values as Values<F>;
}

/**
 * Writes the given fields, little endian unless said otherwise; the others keep what the buffer holds (zero in a fresh
 * one).
 */
export function writeStruct<F extends Fields>(
  view: DataView,
  offset: number,
  layout: Struct<F>,
  values: Partial<Values<F>>,
  littleEndian = true,
): void {
  for (const name in values) {
    const field = layout.fields[name] as StructField;
    const value = values[name] as number | bigint;
    const at = offset + field.offset;
    switch (field.kind) {
      case 'u8':
        view.setUint8(at, value as number);
        break;
      case 'u16':
        view.setUint16(at, value as number, littleEndian);
        break;
      case 'u32':
        view.setUint32(at, value as number, littleEndian);
        break;
      case 'i32':
        view.setInt32(at, value as number, littleEndian);
        break;
      case 'u64':
        setU64(view, at, value as number, littleEndian);
        break;
      case 'b64':
        view.setBigUint64(at, BigInt.asUintN(64, value as bigint), littleEndian);
        break;
    }
  }
}
