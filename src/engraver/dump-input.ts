/** Reads a whole dump from a descriptor. */
import { fstatSync } from 'node:fs';
import { readFully } from '../platform/fd-source.js';
import { EngraveError } from '../report/from-dump/opened-dump.js';

/** The largest dump that is engraved: it is held in memory as a whole. */
const MAX_DUMP = 1024 * 1024 * 1024;

/** Throws EngraveError when it is too large or ends early. */
export function readDump(fd: number): Uint8Array {
  const { size } = fstatSync(fd);
  if (size > MAX_DUMP) throw new EngraveError(`the dump has ${size} bytes, at most ${MAX_DUMP} can be engraved`);
  const bytes = Buffer.allocUnsafe(size);
  const got = readFully(fd, bytes, 0);
  if (got < size) throw new EngraveError(`the dump has ${size} bytes, only ${got} could be read`);
  return bytes;
}
