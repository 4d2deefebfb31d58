/** The handle data stream: the files and other objects that a process had open. */
import { StreamType } from '../format/stream-types.js';
import { HANDLE, HANDLE_HEADER } from '../format/structs.js';
import type { DumpFile } from './dump-file.js';
import { readSizedList } from './list.js';

export interface MinidumpHandle {
  /** Linux: the file descriptor. */
  readonly handle: number;
  readonly typeName: string | null;
  /** Linux: what /proc/PID/fd/N points to. */
  readonly objectName: string | null;
  /** Linux: st_mode. */
  readonly attributes: number;
  readonly grantedAccess: number;
  readonly handleCount: number;
  readonly pointerCount: number;
}

export function readHandles(dump: DumpFile): MinidumpHandle[] | null {
  const { handles } = dump.limits;
  const entries = readSizedList(dump, StreamType.handleData, HANDLE_HEADER, HANDLE, handles, 'handles');
  const name = (handle: number, rva: number): string | null =>
    rva === 0 ? null : dump.tolerate(() => dump.mdString(`name of handle ${handle}`, rva), null);
  return (
    entries?.map(({ typeNameRva, objectNameRva, ...rest }) => ({
      ...rest,
      typeName: name(rest.handle, typeNameRva),
      objectName: name(rest.handle, objectNameRva),
    })) ?? null
  );
}
