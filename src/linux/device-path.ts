/** Which names of mappings are of devices, whose memory may have effects when it is read. */

/** Below /dev, and only memory: POSIX shared memory (shm_overview(7)), huge pages (hugetlbfs), Android's ashmem. */
const MEMORY = ['/dev/shm/', '/dev/hugepages/', '/dev/ashmem/'];

/**
 * `name`: of a mapping, or a path without `..`. Android's rule (libunwindstack's MAPS_FLAGS_DEVICE_MAP) knows ashmem
 * only.
 */
export function isDevicePath(name: string): boolean {
  return name.startsWith('/dev/') && !MEMORY.some((prefix) => name.startsWith(prefix));
}
