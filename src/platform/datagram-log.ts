/**
 * Log records as datagrams: journald's native protocol (systemd, "Native Journal Protocol") and Android's logd (liblog,
 * logd_writer.c). Encoding is pure; sending goes through the optional package unix-dgram.
 */
import { lstatSync } from 'node:fs';

export const JOURNALD_SOCKET = '/run/systemd/journal/socket';
export const LOGD_SOCKET = '/dev/socket/logdw';

/** syslog(3) priorities, which journald takes as they are. */
export type Severity = 'error' | 'warn' | 'info' | 'debug';
const SYSLOG: Readonly<Record<Severity, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
/** android/log.h: ANDROID_LOG_DEBUG 3, INFO 4, WARN 5, ERROR 6. */
const ANDROID: Readonly<Record<Severity, number>> = { error: 6, warn: 5, info: 4, debug: 3 };

/**
 * A datagram beyond the socket's buffer is refused, beyond 64 KiB cut by unix-dgram: a line is at most this many bytes.
 */
const MAX_TEXT = 8 * 1024;
/** LOGGER_ENTRY_MAX_PAYLOAD (log/logger.h): priority, tag and message together. */
const LOGD_PAYLOAD = 4068;

/**
 * One journal entry: `NAME=value` lines; a value that holds a newline is written as NAME, newline, little-endian uint64
 * length, bytes, newline. Names other than capital letters, digits and underscores are left out (journald would drop
 * the entry's field).
 */
export function encodeJournalEntry(
  severity: Severity,
  message: string,
  fields: Readonly<Record<string, string | number>> = {},
): Buffer {
  const parts: Buffer[] = [];
  const all = { PRIORITY: SYSLOG[severity], SYSLOG_IDENTIFIER: 'debuggerd', ...fields, MESSAGE: message };
  for (const [name, value] of Object.entries(all)) {
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) continue;
    const bytes = cut(String(value), MAX_TEXT);
    if (bytes.includes(0x0a)) {
      const length = Buffer.alloc(8);
      length.writeUInt32LE(bytes.length);
      parts.push(Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n'));
    } else {
      parts.push(Buffer.from(`${name}=`), bytes, Buffer.from('\n'));
    }
  }
  return Buffer.concat(parts);
}

/** LOG_ID_MAIN of android/log.h. */
const LOG_ID_MAIN = 0;

/**
 * One logd record, packed: uint8 buffer id, uint16 tid, uint32 seconds, uint32 nanoseconds (little-endian), then
 * priority byte, tag, NUL, message, NUL.
 */
export function encodeLogdRecord(
  severity: Severity,
  message: string,
  tid: number,
  timeMs: number,
  tag = 'debuggerd',
): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(LOG_ID_MAIN, 0);
  header.writeUInt16LE(tid & 0xffff, 1);
  header.writeUInt32LE(Math.floor(timeMs / 1000) >>> 0, 3);
  header.writeUInt32LE(Math.floor((timeMs % 1000) * 1e6), 7);
  header.writeUInt8(ANDROID[severity], 11);
  const nul = Buffer.from([0]);
  const tagBytes = Buffer.from(tag.replaceAll('\0', ' '));
  const text = cut(message.replaceAll('\0', ' '), LOGD_PAYLOAD - 1 - tagBytes.length - 2);
  return Buffer.concat([header, tagBytes, nul, text, nul]);
}

/** UTF-8 of at most `bytes` bytes, whole characters. */
function cut(text: string, bytes: number): Buffer {
  const all = Buffer.from(text, 'utf8');
  if (all.length <= bytes) return all;
  let end = bytes;
  while (end > 0 && (all[end]! & 0xc0) === 0x80) end--;
  return all.subarray(0, end);
}

/** Sends datagrams to a path socket, never waiting. */
export interface DatagramSender {
  /** False when the datagram was not taken: no receiver, or its buffer is full. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

interface UnixDgramSocket {
  on(event: 'error', listener: (error: Error) => void): void;
  send(bytes: Buffer, offset: number, length: number, path: string, callback: (error?: Error) => void): void;
  close(): void;
}
interface UnixDgram {
  createSocket(type: 'unix_dgram'): UnixDgramSocket;
}

/** The optional package; null, and why, when it is not installed or was not built. */
export async function loadUnixDgram(): Promise<
  { readonly module: UnixDgram } | { readonly module: null; readonly reason: string }
> {
  try {
    // Not a literal: the package is optional, and has no types.
    const name = 'unix-dgram';
    const loaded = (await import(name)) as UnixDgram & { default?: UnixDgram };
    return { module: loaded.default ?? loaded };
  } catch (error) {
    return { module: null, reason: (error as Error).message.split('\n')[0] ?? '' };
  }
}

/** Whether a socket lies at `path`. */
export function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}

/** A sender of datagrams to `path` that reaches a receiver which was restarted, too: each send names the path again. */
export function openDatagramSender(module: UnixDgram, path: string): DatagramSender {
  const socket = module.createSocket('unix_dgram');
  // Without a listener a late error would end the process.
  socket.on('error', () => {});
  return {
    send(bytes) {
      let sent = false;
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      // The package makes the system call, and calls back, before it returns.
      socket.send(buffer, 0, buffer.length, path, (error) => {
        sent = !error;
      });
      return sent;
    },
    close: () => socket.close(),
  };
}
