/**
 * Lines to standard error that never wait for who reads them. A pipe whose reader has stopped, a terminal that is held,
 * a socket that is full: a line that cannot be written now is lost, and counted by who calls.
 *
 * O_NONBLOCK belongs to the open file, which other processes share (open(2)): it is not set on what was inherited. What
 * can be opened anew by /proc/self/fd is, with O_NONBLOCK of its own; a socket takes MSG_DONTWAIT; for the rest poll(2)
 * says whether a line has room.
 */
import { constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs';
import { loadAddon } from '../../platform/addon.js';

/** Takes one line; false: it was not taken. Never waits, never throws. */
export interface LineOutput {
  write(line: string): boolean;
  close(): void;
}

/** PIPE_BUF (limits.h): what a pipe takes whole or not at all (pipe(7)). Longer lines are cut. */
const LINE_BYTES = 4096;
/** poll(2). */
const POLLOUT = 4;
const CUT = Buffer.from('...\n');

/** A line as bytes that a pipe takes at once. */
export function lineBytes(line: string): Buffer {
  const bytes = Buffer.from(line);
  if (bytes.length <= LINE_BYTES) return bytes;
  let end = LINE_BYTES - CUT.length;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return Buffer.concat([bytes.subarray(0, end), CUT]);
}

/** Lines to an open descriptor, which stays the caller's. */
export function openLineOutput(fd: number): LineOutput {
  const stat = kindOf(fd);
  if (stat?.isSocket())
    return new DescriptorOutput((bytes) => loadAddon().sendMessage(fd, bytes, [], MSG_DONTWAIT) ?? 0);
  // A regular file: opened anew it would have a position of its own, and overwrite what others have written.
  const own = stat?.isFIFO() || stat?.isCharacterDevice() ? reopen(fd) : null;
  if (own !== null)
    return new DescriptorOutput(
      (bytes) => writeSync(own, bytes),
      () => loadAddon().closeFd(own),
    );
  if (stat?.isFile()) return new DescriptorOutput((bytes) => writeSync(fd, bytes));
  const addon = loadAddon();
  return new DescriptorOutput((bytes) => ((addon.pollNow(fd, POLLOUT) & POLLOUT) === 0 ? 0 : writeSync(fd, bytes)));
}

/** socket.h. */
const MSG_DONTWAIT = 0x40;

/** Remembers the rest of a line that was taken in part, so that lines do not run into each other. */
export class DescriptorOutput implements LineOutput {
  readonly #take: (bytes: Uint8Array) => number;
  readonly close: () => void;
  #rest: Uint8Array = new Uint8Array(0);

  /** `take` gives the number of bytes that were taken, or throws. */
  constructor(take: (bytes: Uint8Array) => number, close: () => void = () => {}) {
    this.#take = take;
    this.close = close;
  }

  write(line: string): boolean {
    if (this.#rest.length > 0) {
      this.#rest = this.#rest.subarray(this.#try(this.#rest));
      if (this.#rest.length > 0) return false;
    }
    const bytes = lineBytes(line);
    const taken = this.#try(bytes);
    if (taken > 0) this.#rest = bytes.subarray(taken);
    return taken > 0;
  }

  #try(bytes: Uint8Array): number {
    try {
      return this.#take(bytes);
    } catch {
      return 0;
    }
  }
}

function kindOf(fd: number): Stats | null {
  try {
    return fstatSync(fd);
  } catch {
    return null;
  }
}

/** Null: who made it does not let this user open it, or a FIFO has no reader now. */
function reopen(fd: number): number | null {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}
