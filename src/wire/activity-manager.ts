/**
 * What the activity manager (Android's NativeCrashListener) is told of a crash, as Android 6.0 to 13 have it: pid and
 * signal as big-endian int32, the text that also goes to the system log, one 0x00 byte; the listener answers with one
 * byte and closes.
 */
import { type Decoded, decoded, malformed } from './decoded.js';

export const NOTIFICATION_HEADER_SIZE = 8;
/** Where Android's listener listens. */
export const ACTIVITY_MANAGER_SOCKET = '/data/system/ndebugsocket';
/** A crashed thread's header, registers and backtrace are some kilobytes; the rest of a longer text is left out. */
export const MAX_NOTIFICATION_TEXT = 256 * 1024;

export interface Notification {
  readonly pid: number;
  readonly signal: number;
  readonly text: string;
  /** The text was longer than the bound. */
  readonly truncated: boolean;
}

/**
 * Encodes a notification. NUL bytes in `text` would end it early and become spaces; text beyond the bound is left out.
 */
export function encodeNotification(pid: number, signal: number, text: Uint8Array): Uint8Array {
  const kept = text.subarray(0, MAX_NOTIFICATION_TEXT);
  const bytes = new Uint8Array(NOTIFICATION_HEADER_SIZE + kept.length + 1);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, pid);
  view.setInt32(4, signal);
  bytes.set(kept, NOTIFICATION_HEADER_SIZE);
  for (let at = NOTIFICATION_HEADER_SIZE; at < bytes.length - 1; at++) if (bytes[at] === 0) bytes[at] = 0x20;
  return bytes;
}

/** Gathers one notification from the chunks of a stream; holds at most MAX_NOTIFICATION_TEXT bytes of it. */
export class NotificationDecoder {
  readonly #header = new Uint8Array(NOTIFICATION_HEADER_SIZE);
  #headerLength = 0;
  #text = new Uint8Array(1024);
  #textLength = 0;
  #truncated = false;
  #ended = false;

  /** Takes the next chunk; true once the end byte has come (what follows it is ignored). */
  push(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    const missing = NOTIFICATION_HEADER_SIZE - this.#headerLength;
    this.#header.set(chunk.subarray(0, missing), this.#headerLength);
    this.#headerLength += Math.min(missing, chunk.length);
    const rest = chunk.subarray(missing);
    const end = rest.indexOf(0);
    this.#ended = end >= 0;
    this.#append(this.#ended ? rest.subarray(0, end) : rest);
    return this.#ended;
  }

  #append(text: Uint8Array): void {
    const kept = text.subarray(0, MAX_NOTIFICATION_TEXT - this.#textLength);
    if (kept.length < text.length) this.#truncated = true;
    if (kept.length === 0) return;
    const needed = this.#textLength + kept.length;
    if (needed > this.#text.length) {
      const grown = new Uint8Array(Math.min(Math.max(needed, this.#text.length * 2), MAX_NOTIFICATION_TEXT));
      grown.set(this.#text.subarray(0, this.#textLength));
      this.#text = grown;
    }
    this.#text.set(kept, this.#textLength);
    this.#textLength = needed;
  }

  /** What has come, at the end byte or the end of the stream (Android's listener takes either as the end). */
  finish(): Decoded<Notification> {
    if (this.#headerLength < NOTIFICATION_HEADER_SIZE) {
      return malformed(`notification ends after ${this.#headerLength} of ${NOTIFICATION_HEADER_SIZE} header bytes`);
    }
    const view = new DataView(this.#header.buffer);
    const pid = view.getInt32(0);
    if (pid <= 0) return malformed(`notification of the impossible pid ${pid}`);
    return decoded({
      pid,
      signal: view.getInt32(4),
      text: Buffer.from(this.#text.subarray(0, this.#textLength)).toString('utf8'),
      truncated: this.#truncated,
    });
  }
}
