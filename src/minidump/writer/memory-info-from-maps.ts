/** The memory info list of a process, from its maps: one committed region per mapping. */
import type { MapsEntry } from '../../linux/maps.js';
import type { MemoryInfoRecord } from '../format/records.js';
import { MemoryProtection, MemoryState, MemoryType } from '../format/structs.js';

/** Windows knows no write without read and no write-only: such permissions become the next wider ones. */
export function protectionOf(perms: string): number {
  const write = perms[1] === 'w';
  const read = perms[0] === 'r' || write;
  if (perms[2] === 'x') {
    if (write) return MemoryProtection.executeReadWrite;
    return read ? MemoryProtection.executeRead : MemoryProtection.execute;
  }
  if (write) return MemoryProtection.readWrite;
  return read ? MemoryProtection.readOnly : MemoryProtection.noAccess;
}

export function memoryInfoFromMaps(mappings: readonly MapsEntry[]): MemoryInfoRecord[] {
  return mappings.map(({ start, end, perms }) => ({
    base: start,
    allocationBase: start,
    allocationProtection: protectionOf(perms),
    size: end - start,
    state: MemoryState.commit,
    protection: protectionOf(perms),
    type: perms[3] === 's' ? MemoryType.mapped : MemoryType.private,
  }));
}
