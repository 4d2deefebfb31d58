/** Any bytes as a minidump that becomes a core. MinidumpError and CoreError are answers, anything else a bug. */

import { byName } from '../../../src/arch/index.js';
import { CoreError } from '../../../src/coredump/core-error.js';
import { minidumpToCore } from '../../../src/coredump/minidump-to-core.js';
import { MinidumpError } from '../../../src/minidump/format/error.js';
import { Minidump } from '../../../src/minidump/reader/minidump.js';
import { CPUS, dumpWithLibraries } from '../../coredump/sample.js';

export const seeds = (): Uint8Array[] => CPUS.map((name) => dumpWithLibraries(byName(name)));

export function target(bytes: Uint8Array): string {
  try {
    const { pieces, threadsLost } = minidumpToCore(Minidump.open(bytes));
    return `${pieces.length} ${pieces.filter((piece) => piece.bytes !== undefined).length} ${threadsLost}`;
  } catch (error) {
    if (error instanceof CoreError) return error.message.replace(/\d+/g, 'N');
    if (error instanceof MinidumpError) return 'minidump';
    throw error;
  }
}
