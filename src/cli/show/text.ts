/**
 * The document as text for people: the same values as the JSON, records as `key: value`, lists of records as tables,
 * registers in columns. Whatever a section gains shows up here by itself.
 */

import { reportText, shownText } from '../../bytes/shown-text.js';
import type { MinidumpDocument } from './document.js';
import type { Json, JsonRecord } from './sections.js';

const WIDTH = 120;
/** A column is no wider, so that one long name does not push the others off the screen; longer values overflow it. */
const MAX_COLUMN = 48;

function isRecord(value: Json): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null;
}

function scalar(value: string | number | boolean | null): string {
  return value === null ? '-' : reportText(String(value));
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? line : `  ${line}`));
}

/** `mappedFile` -> `mapped file` */
function words(key: string): string {
  return reportText(key).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueLines(key: string, value: Json): string[] {
  if (typeof value === 'string' && value.includes('\n')) return shownText(value.replace(/\n$/, '')).split('\n');
  if (isScalar(value)) return [scalar(value)];
  if (key === 'registers' && isRecord(value)) return registerGrid(value);
  if (isRecord(value)) return recordLines(value);
  return listLines(value as readonly Json[]);
}

function recordLines(record: JsonRecord): string[] {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(record)) {
    if (isScalar(value) && !(typeof value === 'string' && value.includes('\n'))) {
      lines.push(`${words(key)}: ${scalar(value)}`);
    } else if (isFlat(value)) {
      lines.push(`${words(key)}: ${inline(value)}`);
    } else {
      const inner = valueLines(key, value);
      lines.push(`${words(key)}:${inner.length === 0 ? ' none' : ''}`, ...indent(inner));
    }
  }
  return lines;
}

/** A record of a few scalars fits on the line of its key: `stack: address 0x..., size 4096`. */
function isFlat(value: Json): value is JsonRecord {
  return isRecord(value) && Object.keys(value).length <= 3 && Object.values(value).every(isScalar);
}

function inline(record: JsonRecord): string {
  return Object.entries(record)
    .map(([key, value]) => `${words(key)} ${scalar(value as string)}`)
    .join(', ');
}

function listLines(list: readonly Json[]): string[] {
  if (list.length > 0 && list.every((entry) => isRecord(entry) && Object.values(entry).every(isScalar))) {
    return table(list as readonly JsonRecord[]);
  }
  return list.flatMap((entry) => {
    if (isScalar(entry)) return [scalar(entry)];
    const [first = '', ...rest] = isRecord(entry) ? recordLines(entry) : listLines(entry as readonly Json[]);
    return [`- ${first}`, ...indent(rest)];
  });
}

/** Columns of the first row's keys; the last one is not padded. */
function table(rows: readonly JsonRecord[]): string[] {
  const keys = Object.keys(rows[0]!);
  const cells = [keys.map(words), ...rows.map((row) => keys.map((key) => scalar((row[key] ?? null) as string)))];
  const widths = keys.map((_, column) =>
    cells.reduce((width, row) => Math.min(MAX_COLUMN, Math.max(width, row[column]!.length)), 0),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** General registers are hex words of one width; several fit on a line. */
function registerGrid(registers: JsonRecord): string[] {
  const lines: string[] = [];
  let line = '';
  for (const [name, value] of Object.entries(registers)) {
    const cell = `${reportText(name).padStart(6)} ${scalar(value as string)}`;
    if (line !== '' && line.length + cell.length + 2 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? cell : `  ${cell}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

function heading(key: string, value: Json): string {
  const count = Array.isArray(value) ? ` (${value.length})` : '';
  return words(key).toUpperCase() + count;
}

/** The document as lines. */
export function documentLines({ file, streams, sections, errors }: MinidumpDocument): string[] {
  const order = file.littleEndian ? 'little endian' : 'big endian';
  const written = new Date(file.timestamp * 1000).toISOString();
  const lines = [`minidump of ${file.size} bytes, ${order}, version ${file.version}, written ${written}`, ''];
  const rows = streams.length === 0 ? [] : table(streams.map((stream) => ({ ...stream })));
  lines.push(`STREAMS (${streams.length})`, ...indent(rows), '');
  for (const [key, value] of Object.entries(sections)) {
    lines.push(heading(key, value), ...indent(valueLines(key, value)), '');
  }
  if (errors.length > 0) {
    lines.push('COULD NOT BE READ', ...indent(errors.map(({ message }) => reportText(message))), '');
  }
  return lines;
}
