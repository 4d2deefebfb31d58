/**
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)): what kind of file system is behind a device number. Blanks in paths are
 * printed as `\040`, so that ` - ` ends the part with the paths.
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 */
import { openSync } from 'node:fs';
import { loadAddon } from './addon.js';
import { readProcFile } from './proc-file.js';

export type MountTypes = ReadonlyMap<string, string>;

const MOUNTINFO_BYTES = 4 * 1024 * 1024;
const FDINFO_BYTES = 4096;
const POLLPRI = 2;
const LINE = /^\d+ \d+ (\d+):(\d+) .*? - (\S+)/gm;

/**
 * Types (`ext4`, `fuse.sshfs`, ...) by device, which is written as in /proc/PID/maps (`fd:01`). What does not parse is
 * left out.
 */
export function parseMountTypes(text: string): Map<string, string> {
  const types = new Map<string, string>();
  for (const [, major, minor, type] of text.matchAll(LINE)) types.set(`${hex(major!)}:${hex(minor!)}`, type!);
  return types;
}

export interface Mount {
  readonly device: string;
  readonly type: string;
}

/** The mounts by their ids, which are the machine's. */
export function parseMounts(text: string): Map<number, Mount> {
  const mounts = new Map<number, Mount>();
  for (const [line, major, minor, type] of text.matchAll(LINE)) {
    mounts.set(Number.parseInt(line, 10), { device: `${hex(major!)}:${hex(minor!)}`, type: type! });
  }
  return mounts;
}

/**
 * The mount that an open file or directory is on (proc_pid_fdinfo(5), `mnt_id`); -1 where that cannot be told. Asks no
 * file system.
 */
export function mountIdOf(fd: number): number {
  const file = readProcFile(`/proc/self/fdinfo/${fd}`, FDINFO_BYTES);
  const id = file.ok ? /^mnt_id:\s*(\d+)$/m.exec(file.bytes.toString('latin1')) : null;
  return id === null ? -1 : Number(id[1]);
}

/** The file of process `pid`; no types where it cannot be read. */
export function readMountTypes(pid: number | 'self'): MountTypes {
  const file = readProcFile(`/proc/${pid}/mountinfo`, MOUNTINFO_BYTES);
  return parseMountTypes(file.ok ? file.bytes.toString('latin1') : '');
}

/**
 * The mounts of this process's own namespace. The file takes the kernel 0.1 ms and seldom changes: an open descriptor
 * tells when it has (proc_pid_mounts(5): POLLPRI and POLLERR once per change).
 */
export class OwnMounts {
  readonly #fd = openSync('/proc/self/mountinfo', 'r');
  #types: MountTypes | null = null;

  get types(): MountTypes {
    const changed = (loadAddon().pollNow(this.#fd) & POLLPRI) !== 0;
    if (changed || this.#types === null) this.#types = readMountTypes('self');
    return this.#types;
  }
}

function hex(decimal: string): string {
  return Number(decimal).toString(16).padStart(2, '0');
}
