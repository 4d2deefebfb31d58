/**
 * Any bytes as a core file, and what it becomes as a minidump and as a core again. CoreError is an answer, anything
 * else a bug.
 */

import { byName } from '../../../src/arch/index.js';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { CoreError } from '../../../src/coredump/core-error.js';
import { CoreFile } from '../../../src/coredump/core-file.js';
import { coreToMinidump } from '../../../src/coredump/core-to-minidump.js';
import { minidumpToCore } from '../../../src/coredump/minidump-to-core.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { CPUS, coreBytes, sampleDump } from '../../coredump/sample.js';

export const seeds = (): Uint8Array[] =>
  CPUS.map((name) => {
    const dump = sampleDump(byName(name));
    return coreBytes(dump, minidumpToCore(Minidump.open(dump)));
  });

export function target(bytes: Uint8Array): void {
  try {
    const core = CoreFile.open(new BufferSource(bytes));
    core.memory.read(core.segments[0]?.address ?? 0, new Uint8Array(16));
    const { chunks } = coreToMinidump(core, { timestamp: 0, full: bytes.length % 2 === 0 });
    minidumpToCore(Minidump.open(Buffer.concat(chunks)));
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
  }
}
