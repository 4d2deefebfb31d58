/** Files of /proc/TID as buffers; what cannot be read is a loss and an empty buffer. */
import { type ProcFile, readProcFiles } from '../../platform/proc-file.js';
import type { Losses } from '../failure.js';

/** A mapping's line takes 73 bytes and its name; the kernel's default of 65,530 mappings fits. */
const MAPS_BYTES = 32 * 1024 * 1024;
const TEXT_BYTES = 64 * 1024;

export function readTexts<Name extends string>(
  tid: number,
  names: readonly Name[],
  losses: Losses,
): Record<Name, Buffer> {
  const wanted = names.map((name) => ({ name, limit: name === 'maps' ? MAPS_BYTES : TEXT_BYTES }));
  const files = readProcFiles(`/proc/${tid}`, wanted);
  const texts = {} as Record<Name, Buffer>;
  wanted.forEach(({ name, limit }, i) => {
    texts[name as Name] = bytesOf(files[i]!, `/proc/${tid}/${name}`, limit, losses);
  });
  return texts;
}

function bytesOf(file: ProcFile, path: string, limit: number, losses: Losses): Buffer {
  if (!file.ok) losses.add('proc', `${path}: ${file.code}`);
  else if (file.truncated) losses.add('proc', `${path}: only its first ${limit} bytes`);
  return file.ok ? file.bytes : Buffer.alloc(0);
}
