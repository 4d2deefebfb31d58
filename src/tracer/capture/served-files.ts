/**
 * Mapped files of file systems that a process serves (FUSE). Touching a page of theirs, or opening one, waits for that
 * process's answer, which may never come; not even SIGKILL ends the wait once the request has been handed out. Any user
 * may have such a mount, and the target says which of its memory is read. So none of it is, and the decision is made by
 * numbers alone: /proc/PID/maps has the device, mountinfo the type, and no file system is asked.
 *
 * What mountinfo does not list (unmounted lazily, or mounted where the target cannot see it any more) counts as served
 * when its device number is one of those that the kernel makes up (major 0), the kernel's own memory files apart. So
 * does an overlayfs that is not mounted where the daemon is: any user may mount one in a mount namespace of its own, on
 * top of such a file system, and nothing tells what is below. Those of container engines that run as root are mounted
 * where the daemon sees them.
 */
import { closeSync, fstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { MapsEntry } from '../../linux/maps.js';
import { type Mount, type MountTypes, mountIdOf, OwnMounts, readMountTypes } from '../../platform/mount-info.js';
import type { TracingAddon } from '../../platform/ptrace.js';
import { deviceText } from './files.js';

/**
 * log2 of the sizes of huge pages: each has a mount of the kernel's own (memfd_create(2), MFD_HUGETLB). 0: usual
 * memory.
 */
const PAGE_SHIFTS = [0, 16, 21, 25, 29, 30, 34];

let memoryDevices: ReadonlySet<string> | undefined;
let ownMounts: OwnMounts | undefined;

/**
 * Disks on which no such file system is. Only those: the numbers that the kernel makes up are given to the next mount.
 */
export type KnownDisks = Set<string>;

/**
 * Those of the mappings whose files are served by a process. `tid`: any live thread of the target; `known`: from
 * before, of the same one.
 */
export function servedMappings(
  addon: TracingAddon,
  tid: number,
  mappings: readonly MapsEntry[],
  known: KnownDisks = new Set(),
): MapsEntry[] {
  const devices = new Set<string>();
  let last = '00:00';
  for (const { device } of mappings) {
    if (device !== last) devices.add(device);
    last = device;
  }
  devices.delete('00:00');
  memoryDevices ??= findMemoryDevices(addon);
  ownMounts ??= new OwnMounts();
  const own = ownMounts.types;
  let target: MountTypes | undefined;
  const served = new Set<string>();
  for (const device of devices) {
    if (memoryDevices.has(device) || known.has(device)) continue;
    // A device is the same file system wherever it is mounted. Own mounts cost a look, those of the target a file.
    let type = own.get(device);
    if (type === undefined) {
      target ??= readMountTypes(tid);
      type = target.get(device);
    }
    if (mayBeServed(device, type, own)) served.add(device);
    else if (!device.startsWith('00:')) known.add(device);
  }
  return served.size === 0 ? [] : mappings.filter(({ device }) => served.has(device));
}

/**
 * Whether a process may serve the files of a mount. Of the file systems that a user may mount (FS_USERNS_MOUNT) FUSE is
 * served, and overlay may be.
 */
function mayBeServed(device: string, type: string | undefined, own: MountTypes): boolean {
  if (type === undefined) return device.startsWith('00:');
  return /^fuse(blk)?(\.|$)/.test(type) || (type === 'overlay' && !own.has(device));
}

/**
 * Whether a look-up in the directory behind a descriptor asks only the kernel. `mounts`: those that its process sees.
 */
export function isOwnLookUp(fd: number, mounts: ReadonlyMap<number, Mount>): boolean {
  ownMounts ??= new OwnMounts();
  const mount = mounts.get(mountIdOf(fd));
  return mount !== undefined && !mayBeServed(mount.device, mount.type, ownMounts.types);
}

/**
 * The devices of shared anonymous memory, System V segments, memfds and files without a name, which are mounted
 * nowhere.
 */
function findMemoryDevices(addon: TracingAddon): Set<string> {
  const devices = new Set<string>();
  for (const hugePageShift of PAGE_SHIFTS) {
    try {
      const fd = addon.memfdCreate('debuggerd-device', { hugePageShift });
      devices.add(deviceText(fstatSync(fd, { bigint: true }).dev));
      closeSync(fd);
    } catch {
      // No pages of this size here.
    }
  }
  const anonymous = anonymousFileDevice();
  if (anonymous !== null) devices.add(anonymous);
  return devices;
}

/**
 * The device of files without a name (anon_inode_getfile() in the kernel): the rings of an io_uring, perf events. It is
 * mounted nowhere. Every Node process holds such a file, the epoll of its event loop.
 */
function anonymousFileDevice(): string | null {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]') continue;
      return deviceText(fstatSync(Number(fd), { bigint: true }).dev);
    } catch {
      // The descriptor that listed the directory: closed by now.
    }
  }
  return null;
}
