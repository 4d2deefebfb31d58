/** The smallest image with an identity: ELF64 header, a PT_LOAD over all of it, a PT_NOTE with the build id. */
export function tinyElf(buildId: Uint8Array | null, size = 0x1000): Buffer {
  const file = Buffer.alloc(size);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(3, 16); // ET_DYN
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32); // e_phoff
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  const segment = (index: number, type: number, flags: number, offset: number, length: number) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(BigInt(offset), at + 16);
    file.writeBigUInt64LE(BigInt(length), at + 32);
    file.writeBigUInt64LE(BigInt(length), at + 40);
  };
  segment(0, 1, 5, 0, size);
  if (buildId !== null) {
    segment(1, 4, 4, 0x100, 16 + buildId.length);
    file.writeUInt32LE(4, 0x100);
    file.writeUInt32LE(buildId.length, 0x104);
    file.writeUInt32LE(3, 0x108);
    file.set(Buffer.from('GNU\0'), 0x10c);
    file.set(buildId, 0x110);
  }
  return file;
}

export const id = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);
