/**
 * Opens the files behind executable mappings, for the engraver to read. /proc/PID/map_files/START-END leads to the very
 * file, deleted ones and those of other mount namespaces included, but wants CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE;
 * without that it is the path below /proc/PID/root, and then device and inode must be those of the maps line. Only
 * regular files are opened for reading: they are looked at through an O_PATH descriptor first, which calls no driver
 * and waits for nobody.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import type { MapsEntry } from '../../linux/maps.js';
import { errnoName } from '../../platform/proc-file.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import type { MappedFile } from '../../wire/job.js';
import { codeOf, type Losses } from '../failure.js';

/** More distinct files than this are left out: descriptors of tracer and daemon are bounded. */
export const MAX_FILES = 1000;
const PATH_LENGTH = 256;
const { EACCES, ENOSYS, EPERM } = os.errno;
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

export interface OpenMappedFile {
  readonly file: MappedFile;
  readonly fd: number;
}

/** The open files of one capture, by device and inode; `close` ends them all. */
export class MappedFiles {
  readonly #addon: TracingAddon;
  readonly #files = new Map<string, OpenMappedFile | null>();
  #mapFiles = true;

  constructor(addon: TracingAddon) {
    this.#addon = addon;
  }

  get list(): OpenMappedFile[] {
    return [...this.#files.values()].filter((file) => file !== null);
  }

  /**
   * Opens the files behind executable mappings, as far as they are not open yet, and those of `served` not at all
   * (served-files.ts). `tid`: any live thread of the process.
   */
  open(tid: number, mappings: readonly MapsEntry[], served: readonly MapsEntry[], losses: Losses): void {
    const devices = new Set(served.map(({ device }) => device));
    const wanted: MapsEntry[] = [];
    for (const mapping of mappings) {
      if (mapping.inode === 0 || mapping.perms[2] !== 'x') continue;
      const key = keyOf(mapping);
      if (this.#files.has(key)) continue;
      if (!devices.has(mapping.device) && this.#files.size >= MAX_FILES) {
        losses.add('files', `${mapping.name}: more than ${MAX_FILES} files are mapped`);
        continue;
      }
      this.#files.set(key, null);
      if (devices.has(mapping.device)) losses.add('files', `${mapping.name}: on a file system that a process serves`);
      else wanted.push(mapping);
    }
    const fds = new Int32Array(wanted.length);
    if (this.#mapFiles && wanted.length > 0) {
      const names = wanted.map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`);
      this.#addon.openRegularFiles(`/proc/${tid}/map_files`, names, fds);
    } else fds.fill(-EPERM);
    wanted.forEach((mapping, i) => {
      const fd = fds[i]! >= 0 ? fds[i]! : this.#openOtherwise(tid, mapping, -fds[i]!, losses);
      const { device, inode, name } = mapping;
      if (fd >= 0) this.#files.set(keyOf(mapping), { file: { device, inode, path: name.slice(0, PATH_LENGTH) }, fd });
    });
  }

  close(): void {
    for (const file of this.#files.values()) if (file !== null) closeSync(file.fd);
    this.#files.clear();
  }

  /** `errno`: of the file in map_files. */
  #openOtherwise(tid: number, mapping: MapsEntry, errno: number, losses: Losses): number {
    // Not permitted at all: the others need not be tried the next time.
    if (errno === EPERM || errno === EACCES) this.#mapFiles = false;
    const program = openProgram(tid, mapping);
    if (program >= 0) return program;
    const fallback = openByRoot(this.#addon, tid, mapping);
    if (typeof fallback === 'number') return fallback;
    const reason = this.#mapFiles ? errnoName(errno) : 'no right to /proc/PID/map_files';
    losses.add('files', `${mapping.name.slice(0, PATH_LENGTH)}: ${reason}; by path: ${fallback}`);
    return -1;
  }
}

function keyOf({ device, inode }: MapsEntry): string {
  return `${device}:${inode}`;
}

/**
 * The program's own file, by a link of the kernel's that needs no capability and holds although the file was deleted;
 * else -1.
 */
function openProgram(tid: number, mapping: MapsEntry): number {
  try {
    const fd = openSync(`/proc/${tid}/exe`, READ_ONLY);
    const { dev, ino } = fstatSync(fd, { bigint: true });
    if (deviceText(dev) === mapping.device && Number(ino) === mapping.inode) return fd;
    closeSync(fd);
  } catch {
    // Not permitted, or gone: the next way is tried, and says why it fails.
  }
  return -1;
}

/** The mapping's path below the root of thread `tid`, if that is still the file that is mapped; else why not. */
export function openByRoot(addon: TracingAddon, tid: number, mapping: MapsEntry): number | string {
  if (!mapping.name.startsWith('/')) return 'it has no path';
  // The kernel prints a newline in a name as \012; a name that really holds these four characters fails the comparison
  // below.
  const path = mapping.name.replaceAll('\\012', '\n');
  const root = addon.openPath(`/proc/${tid}/root`);
  if (root < 0) return errnoName(-root);
  let fd = -1;
  try {
    fd = openBelowRoot(addon, root, path.slice(1));
    if (fd < 0) return errnoName(-fd);
    const { dev, ino } = fstatSync(fd, { bigint: true });
    if (deviceText(dev) !== mapping.device || Number(ino) !== mapping.inode) return 'another file is there now';
    const found = fd;
    fd = -1;
    return reopenRegular(found);
  } catch (error) {
    return codeOf(error);
  } finally {
    closeSync(root);
    if (fd >= 0) closeSync(fd);
  }
}

/** An O_PATH descriptor of a path below the directory `root`, or -errno; no component of it is a link. */
export function openBelowRoot(addon: TracingAddon, root: number, path: string): number {
  const fd = addon.openBelow(root, path);
  return fd === -ENOSYS ? openComponents(addon, root, path.split('/')) : fd;
}

/** Before Linux 5.6, which has no openat2: step by step, so that no link is followed on the way and none leads out. */
function openComponents(addon: TracingAddon, root: number, names: readonly string[]): number {
  const { O_PATH } = addon.constants;
  const last = names.length - 1;
  if (names.includes('..')) throw new Error('a path with ..');
  let fd = addon.dupFd(root);
  for (const [i, name] of names.entries()) {
    const folder = fd;
    try {
      fd = addon.openAt(folder, name || '.', O_PATH | constants.O_NOFOLLOW | (i < last ? constants.O_DIRECTORY : 0));
    } finally {
      closeSync(folder);
    }
  }
  return fd;
}

/** Opens for reading what an O_PATH descriptor refers to, and closes that. Throws for anything but a regular file. */
export function reopenRegular(fd: number): number {
  try {
    if (!fstatSync(fd).isFile()) throw new Error('not a regular file');
    return openSync(`/proc/self/fd/${fd}`, READ_ONLY);
  } finally {
    closeSync(fd);
  }
}

/** Device number as /proc/PID/maps prints it (fs/proc/task_mmu.c: %02x:%02x); the encoding is that of makedev(3). */
export function deviceText(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`;
}
