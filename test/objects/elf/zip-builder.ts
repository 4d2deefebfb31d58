import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipSpec {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
  /** Data begins at a multiple of it, by padding in the local header, as zipalign does. */
  readonly align?: number;
}

/** A zip file of these entries. */
export function buildZip(entries: readonly ZipSpec[], comment = ''): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, deflated = false, align = 1 } of entries) {
    const data = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const unpadded = at + 30 + Buffer.byteLength(name);
    const padding = (align - (unpadded % align)) % align;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.from(common);
    local.writeUInt16LE(padding, 24);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, central, Buffer.from(name));
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), local, Buffer.from(name), Buffer.alloc(padding), data);
    at += 30 + Buffer.byteLength(name) + padding + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, central, end, Buffer.from(comment)]);
}
