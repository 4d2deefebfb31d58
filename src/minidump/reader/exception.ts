/** The exception stream: which thread crashed, and how. */
import { readStruct } from '../../bytes/struct.js';
import { MinidumpError } from '../format/error.js';
import { StreamType } from '../format/stream-types.js';
import { EXCEPTION, EXCEPTION_PARAMETERS } from '../format/structs.js';
import { type DumpFile, type Location, partName, viewOf } from './dump-file.js';

export interface MinidumpException {
  readonly tid: number;
  /** Linux: signal number, or DUMP_REQUESTED (0xffffffff); Windows: NTSTATUS; macOS: Mach exception. */
  readonly code: number;
  /** Linux: si_code as 32 bits unsigned. */
  readonly flags: number;
  readonly record: bigint;
  /** Linux: si_addr. */
  readonly address: bigint;
  readonly parameters: readonly bigint[];
  readonly context: Location | null;
}

export function readException(dump: DumpFile): MinidumpException | null {
  const bytes = dump.stream(StreamType.exception);
  if (bytes === null) return null;
  if (bytes.length < EXCEPTION.size) {
    throw new MinidumpError(partName(StreamType.exception), `needs ${EXCEPTION.size} bytes, ${bytes.length} remain`);
  }
  const view = viewOf(bytes);
  const values = readStruct(view, 0, EXCEPTION, dump.littleEndian);
  const parameters: bigint[] = [];
  for (let i = 0; i < Math.min(values.parameterCount, EXCEPTION_PARAMETERS.count); i++) {
    parameters.push(view.getBigUint64(EXCEPTION_PARAMETERS.offset + 8 * i, dump.littleEndian));
  }
  return {
    tid: values.tid,
    code: values.code,
    flags: values.flags,
    record: values.record,
    address: values.address,
    parameters,
    context: values.contextSize === 0 ? null : { size: values.contextSize, rva: values.contextRva },
  };
}
