/** Any bytes as a zip file, asked for the entries around many offsets. */

import { BufferSource } from '../../../src/bytes/byte-source.js';
import { storedEntryAt } from '../../../src/objects/elf/zip.js';
import { buildZip } from '../../objects/elf/zip-builder.js';

export const seeds = (): Uint8Array[] => [
  buildZip([
    { name: 'lib/libfoo.so', bytes: Buffer.from('library'), align: 64 },
    { name: 'classes.dex', bytes: Buffer.alloc(200), deflated: true },
  ]),
  buildZip([], 'comment'),
];

export function target(bytes: Uint8Array): string {
  const file = new BufferSource(bytes);
  let found = 0;
  for (let offset = 0; offset < bytes.length; offset += 1 + (bytes.length >> 4)) {
    const entry = storedEntryAt(file, offset);
    if (entry === null) continue;
    found++;
    if (!(entry.offset <= offset && offset < entry.offset + entry.size)) {
      throw new Error(`${offset} is not in ${entry.offset}+${entry.size}`);
    }
  }
  return `${found}`;
}
