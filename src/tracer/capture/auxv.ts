/** Single entries of a raw auxiliary vector (getauxval(3)): pairs of words, type and value. */

const AT_PAGESZ = 6;

/** The value of a type of entry; 0 when the vector has none. */
export function auxvValue(auxv: Buffer, wordSize: number, wanted: number): number {
  for (let at = 0; at + 2 * wordSize <= auxv.length; at += 2 * wordSize) {
    const type = wordAt(auxv, at, wordSize);
    if (type === wanted) return wordAt(auxv, at + wordSize, wordSize);
    if (type === 0) break;
  }
  return 0;
}

function wordAt(auxv: Buffer, at: number, wordSize: number): number {
  return auxv.readUInt32LE(at) + (wordSize === 8 ? auxv.readUInt32LE(at + 4) * 2 ** 32 : 0);
}

/** Of the process whose vector it is: every vector tells the page size, and only one reading of it makes sense. */
export function wordSizeOf(auxv: Buffer): 4 | 8 {
  const pageSize = auxvValue(auxv, 8, AT_PAGESZ);
  return pageSize >= 4096 && pageSize <= 65536 ? 8 : 4;
}
