/** The memory map of a tombstone: every mapping, and where the fault address falls. */
import type { Arch } from '../../arch/arch.js';
import type { MapReport, Report } from '../model/report.js';
import { escapeText } from './escape.js';
import { hex } from './hex.js';

/** `00007f12'34567000`, or 8 digits on 32-bit CPUs. */
function splitAddress(arch: Arch, high: number, low: number): string {
  return arch.wordSize === 8 ? `${hex(high, 8)}'${hex(low, 8)}` : hex(low, 8);
}

function pageAddress(arch: Arch, value: number): string {
  return splitAddress(arch, Math.floor(value / 2 ** 32), value % 2 ** 32);
}

/** The last byte of a mapping: above 2^53 only the page-aligned end itself is exact, so the halves are taken apart first. */
function lastAddress(arch: Arch, end: number): string {
  const high = Math.floor(end / 2 ** 32);
  const low = end % 2 ** 32;
  return low === 0 ? splitAddress(arch, high - 1, 0xffffffff) : splitAddress(arch, high, low - 1);
}

/** `4 spaces or --->, start-last rwx  offset  length  name (BuildId: ...) (load base 0x...)` */
function mapLine(arch: Arch, map: MapReport, marked: boolean): string {
  const range = `${pageAddress(arch, map.start)}-${lastAddress(arch, map.end)}`;
  const numbers = `  ${map.offset.toString(16).padStart(8)}  ${(map.end - map.start).toString(16).padStart(8)}`;
  let line = `${marked ? '--->' : '    '}${range} ${map.perms.slice(0, 3)}${numbers}`;
  if (map.name !== '') {
    line += `  ${escapeText(map.name)}`;
    if (map.buildId !== null) line += ` (BuildId: ${map.buildId})`;
  }
  // Nameless mappings get one space more.
  if (map.loadBias !== 0) line += `${map.name === '' ? ' ' : ''} (load base 0x${map.loadBias.toString(16)})`;
  return line;
}

/** The map, with the blank line before it. */
export function memoryMapLines(report: Report): string[] {
  const { arch, maps } = report;
  const fault = report.signal?.faultAddress ?? null;
  if (fault === null) return ['', 'memory map:', ...maps.map((map) => mapLine(arch, map, false))];
  const at = splitAddress(arch, Number((fault >> 32n) & 0xffffffffn), Number(fault & 0xffffffffn));
  const falls = (where: string) => `--->Fault address falls at ${at} ${where} mapped regions`;
  const lines = ['', 'memory map: (fault address prefixed with --->)'];
  let placed = false;
  maps.forEach((map, index) => {
    let marked = false;
    if (!placed && fault < map.start) {
      lines.push(falls(index === 0 ? 'before any' : 'between'));
      placed = true;
    } else if (!placed && fault < map.end) {
      marked = true;
      placed = true;
    }
    lines.push(mapLine(arch, map, marked));
  });
  if (!placed) lines.push(falls('after any'));
  return lines;
}
