/** NT_PRPSINFO and NT_FILE of a process, from what a dump has of /proc. */

import { setU64, writeStruct } from '../bytes/struct.js';
import type { MapsEntry } from '../linux/maps.js';
import { StreamType } from '../minidump/format/stream-types.js';
import type { Minidump } from '../minidump/reader/minidump.js';
import { ARGUMENTS_SIZE, LAYOUTS, NAME_SIZE } from './layout.js';

export interface ProcessNote {
  readonly pid: number;
  readonly ppid: number;
  /** Process group and session; 0 where the dump says nothing of them. */
  readonly pgrp: number;
  readonly sid: number;
  /** elf_prpsinfo. */
  readonly bytes: Buffer;
}

/** Ids that do not fit the 16 bits of 32-bit structures: the kernel's overflow id. */
const OVERFLOW_ID = 65534;

export function encodeProcess(dump: Minidump, wordSize: 4 | 8, firstTid: number): ProcessNote {
  const info = dump.tolerate(() => dump.info, null);
  const status = dump.tolerate(() => dump.text(StreamType.linuxProcStatus), null) ?? '';
  const number = (name: string): number | null => {
    const match = new RegExp(`^${name}:\\s+(\\d{1,10})`, 'm').exec(status);
    return match === null ? null : Number(match[1]);
  };
  const pid = info?.pid ?? dump.tolerate(() => dump.miscInfo, null)?.pid ?? number('Tgid') ?? firstTid;
  const ppid = number('PPid') ?? 0;
  // The first of each is that of the namespace of who read the file (pid_namespaces(7)).
  const stat = statNumbers(dump);
  const pgrp = number('NSpgid') ?? stat?.pgrp ?? 0;
  const sid = number('NSsid') ?? stat?.sid ?? 0;
  const uid = info?.uid ?? number('Uid') ?? 0;
  const gid = info?.gid ?? number('Gid') ?? 0;
  const fits = (id: number): number => (wordSize === 4 && id > 0xffff ? OVERFLOW_ID : id);
  const { prpsinfo, texts } = LAYOUTS[wordSize];
  const bytes = Buffer.alloc(prpsinfo.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  writeStruct(view, 0, prpsinfo, {
    stateName: 'R'.charCodeAt(0),
    uid: fits(uid),
    gid: fits(gid),
    pid,
    ppid,
    pgrp,
    sid,
  });
  const argv = dump.tolerate(() => dump.commandLine, null) ?? [];
  const name = dump.tolerate(() => dump.threadNames, null)?.get(pid) ?? argv[0]?.replace(/^.*\//s, '') ?? '';
  bytes.write(name, texts.name, NAME_SIZE - 1, 'utf8');
  bytes.write(argv.join(' '), texts.arguments, ARGUMENTS_SIZE - 1, 'utf8');
  return { pid, ppid, pgrp, sid, bytes };
}

/** Fields 5 and 6 of /proc/PID/stat; they follow the name, which may hold anything, in parentheses (proc(5)). */
function statNumbers(dump: Minidump): { pgrp: number; sid: number } | null {
  const text = dump.tolerate(() => dump.text(StreamType.linuxProcStat), null) ?? '';
  const [, , pgrp, sid] = text.slice(text.lastIndexOf(')') + 2).split(' ', 4);
  const valid = (field: string | undefined) => field !== undefined && /^\d{1,10}$/.test(field);
  return valid(pgrp) && valid(sid) ? { pgrp: Number(pgrp), sid: Number(sid) } : null;
}

const PAGE = 4096;

/** {count, page size}, count x {start, end, offset in pages}, then the names. */
export function encodeFiles(maps: readonly MapsEntry[], wordSize: 4 | 8): Buffer {
  const files = maps.filter(({ name }) => name.startsWith('/'));
  const names = Buffer.from(files.map(({ name }) => `${nameOf(name)}\0`).join(''));
  const table = Buffer.alloc((2 + 3 * files.length) * wordSize);
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const word = (index: number, value: number): void => {
    if (wordSize === 8) setU64(view, index * 8, value);
    else view.setUint32(index * 4, value, true);
  };
  word(0, files.length);
  word(1, PAGE);
  files.forEach(({ start, end, offset }, i) => {
    word(2 + 3 * i, start);
    word(3 + 3 * i, end);
    word(4 + 3 * i, Math.floor(offset / PAGE));
  });
  return Buffer.concat([table, names]);
}

/** The kernel writes the path itself here, and maps lines with a newline in octal. */
function nameOf(name: string): string {
  return name.replaceAll('\\012', '\n').replaceAll('\0', '');
}
