/** A minidump that was opened for a report: its CPU is known and its mappings are read. */
import type { Arch } from '../../arch/arch.js';
import type { ByteSource } from '../../bytes/byte-source.js';
import { MinidumpError } from '../../minidump/format/error.js';
import { Minidump } from '../../minidump/reader/minidump.js';
import { type DumpMapping, mappingsOf } from './mappings.js';
import { archOf } from './process-info.js';

/** A dump of which no report can be made, and why. */
export class EngraveError extends Error {
  override readonly name = 'EngraveError';
}

/** A dump that was opened: what an unwinder needs of it. */
export interface OpenedDump {
  readonly dump: Minidump;
  readonly arch: Arch;
  readonly mappings: readonly DumpMapping[];
}

/** Throws EngraveError when it is no minidump, or one of a CPU that is not known. */
export function openDump(source: Uint8Array | ByteSource): OpenedDump {
  let dump: Minidump;
  try {
    dump = Minidump.open(source);
  } catch (error) {
    if (error instanceof MinidumpError) throw new EngraveError(`not a minidump: ${error.message}`);
    throw error;
  }
  const arch = archOf(dump);
  if (arch === null) {
    const system = dump.tolerate(() => dump.systemInfo, null);
    throw new EngraveError(system === null ? 'the dump names no CPU' : `CPU ${system.architecture} is not supported`);
  }
  return { dump, arch, mappings: mappingsOf(dump) };
}
