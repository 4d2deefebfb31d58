/** Handle data of a process, from what /proc/PID/fd shows. */
import type { HandleRecord } from '../format/records.js';

export interface OpenFile {
  readonly fd: number;
  /** What the link in /proc/PID/fd says: a path, `socket:[123]`, `anon_inode:[eventpoll]`. */
  readonly target: string;
  /** st_mode of the file behind it; 0 when unknown. */
  readonly mode: number;
}

/** inode(7): S_IFMT values. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0o100000, 'File'],
  [0o040000, 'Directory'],
  [0o020000, 'CharacterDevice'],
  [0o060000, 'BlockDevice'],
  [0o010000, 'Pipe'],
  [0o140000, 'Socket'],
]);

export function handlesFromFds(files: readonly OpenFile[]): HandleRecord[] {
  return files.map(({ fd, target, mode }) => {
    const anonymous = /^anon_inode:\[?([^\]]+)\]?$/.exec(target)?.[1];
    const typeName = anonymous ?? TYPES.get(mode & 0o170000);
    return {
      handle: fd,
      objectName: target,
      attributes: mode,
      ...(typeName === undefined ? {} : { typeName }),
    };
  });
}
