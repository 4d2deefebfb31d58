/** The memory map of a tombstone: every mapping, and where the fault address falls. */
import type { Arch } from '../../arch/arch.js';
import { reportText } from '../../bytes/shown-text.js';
import type { MapReport, Report } from '../model/report.js';
import { hex } from './hex.js';
import { leftOut, MAP_BYTES, TextRoom } from './text-room.js';

/** `00007f12'34567000`, or 8 digits on 32-bit CPUs. */
function splitAddress(arch: Arch, high: number, low: number): string {
  return arch.wordSize === 8 ? `${hex(high, 8)}'${hex(low, 8)}` : hex(low, 8);
}

function pageAddress(arch: Arch, value: number): string {
  return splitAddress(arch, Math.floor(value / 2 ** 32), value % 2 ** 32);
}

/**
 * The last byte of a mapping: above 2^53 only the page-aligned end itself is exact, so the halves are taken apart
 * first.
 */
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
    line += `  ${reportText(map.name)}`;
    if (map.buildId !== null) line += ` (BuildId: ${map.buildId})`;
  }
  // Nameless mappings get one space more.
  if (map.loadBias !== 0) line += `${map.name === '' ? ' ' : ''} (load base 0x${map.loadBias.toString(16)})`;
  return line;
}

/** Starts of the mappings that the crashed thread's frames lie in: their lines are printed in any case. */
function neededStarts(report: Report): Set<number> {
  return new Set(report.threads[0]?.frames.map(({ mapStart }) => mapStart));
}

/**
 * The map, with the blank line before it. Where there is no room for all of it the mappings of the crashed thread's
 * frames and of the fault address are there still, and a line counts what was left out at each place.
 */
export function memoryMapLines(report: Report, room = new TextRoom(MAP_BYTES)): string[] {
  const { arch, maps } = report;
  const fault = report.signal?.faultAddress ?? null;
  const needed = neededStarts(report);
  const lines = ['', fault === null ? 'memory map:' : 'memory map: (fault address prefixed with --->)'];
  let full = false;
  let skipped = 0;
  const endGap = (): void => {
    if (skipped > 0) lines.push(leftOut(skipped, 'mapping'));
    skipped = 0;
  };
  let placed = fault === null;
  const falls = (where: string): void => {
    const at = fault ?? 0n;
    const shown = splitAddress(arch, Number((at >> 32n) & 0xffffffffn), Number(at & 0xffffffffn));
    endGap();
    lines.push(`--->Fault address falls at ${shown} ${where} mapped regions`);
    placed = true;
  };
  maps.forEach((map, index) => {
    if (!placed && fault! < map.start) falls(index === 0 ? 'before any' : 'between');
    const marked = !placed && fault! < map.end;
    if (marked) placed = true;
    if (full && !marked && !needed.has(map.start)) {
      skipped++;
      return;
    }
    const line = mapLine(arch, map, marked);
    // Where one had no room, shorter ones that follow have none either: what is there is the beginning, not a choice by
    // length.
    full ||= !room.fits(line);
    if (!full || marked || needed.has(map.start)) {
      endGap();
      lines.push(line);
    } else {
      skipped++;
    }
  });
  endGap();
  if (!placed) falls('after any');
  return lines;
}
