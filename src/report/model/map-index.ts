/** Finds the mapping that covers an address. */
import type { MapReport } from './report.js';

/** Binary search over mappings sorted by start; null in a gap. */
export function mapAt(maps: readonly MapReport[], address: number): MapReport | null {
  let low = 0;
  let high = maps.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const map = maps[middle];
    if (map === undefined) return null;
    if (address < map.start) high = middle - 1;
    else if (address >= map.end) low = middle + 1;
    else return map;
  }
  return null;
}
