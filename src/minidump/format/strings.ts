/** MDString: u32 length in bytes (without the NUL), UTF-16 units, NUL. */

/** Bytes that `text` takes as an MDString. */
export function mdStringSize(text: string): number {
  return 4 + text.length * 2 + 2;
}

/** Writes `text` as a little-endian MDString at `offset`. */
export function writeMdString(buffer: Buffer, offset: number, text: string): void {
  buffer.writeUInt32LE(text.length * 2, offset);
  buffer.write(text, offset + 4, 'utf16le');
}

/** UTF-16 units as text, up to the first NUL when `untilNul`; lone surrogates are kept. */
export function decodeUtf16(bytes: Uint8Array, littleEndian: boolean, untilNul = false): string {
  const buffer = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  if (!littleEndian) buffer.swap16();
  const text = buffer.toString('utf16le');
  const end = untilNul ? text.indexOf('\0') : -1;
  return end < 0 ? text : text.slice(0, end);
}
