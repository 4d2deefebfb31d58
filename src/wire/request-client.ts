/**
 * The asking side of the request socket: whom a client trusts, how long it waits, and what an answer means. It makes no
 * system call: who has a socket hands it over. native/command/src/request.c is the same client in C, for requests whose
 * answer comes sooner than Node starts; test/wire/answers.ts is the table of answers that both are tested with.
 */
import { ACK, type Action, encodeRequest } from './request.js';

/** sockaddr_un has room for a path of 107 bytes and a NUL, or for a NUL and so long a name (unix(7)). */
export const MAX_SOCKET_NAME = 107;
/** To connect, and to send: a daemon whose backlog stays full so long is stuck. */
export const SEND_TIMEOUT_MS = 5000;
/** The daemon's own bounds: waiting in its queue, capture, two engravings. Then it is not going to answer. */
export const ANSWER_TIMEOUT_MS = 90_000;

const BUFFER_BYTES = 256 * 1024;

/**
 * A connected stream socket with SEND_TIMEOUT_MS and ANSWER_TIMEOUT_MS set; each throws when the connection was reset.
 */
export interface RequestStream {
  /** How many bytes were taken; null when the time is over. */
  send(bytes: Uint8Array): number | null;
  /** How many bytes came; 0 at the end of the stream, null when the time is over. */
  receive(buffer: Uint8Array): number | null;
}

/**
 * `refused`: the end of the stream, or a reset, without the ack byte. `late`: nothing within the time. `unfinished`:
 * the stream ended with the ack alone, or was reset behind it.
 */
export type AnswerFailure = 'refused' | 'late' | 'unfinished';

/** A path begins with a slash; every other name is abstract (no file; unix(7)). */
export function isPathName(socket: string): boolean {
  return socket.startsWith('/');
}

/**
 * Whether a client may believe who holds the other end (SO_PEERCRED). Any process can take an abstract name that is
 * free, and answer whatever it likes. A path belongs to who may write in its directory, and is never used unless it was
 * named: it also reaches daemons whose user has no name here (user_namespaces(7)).
 */
export function isTrustedDaemon(socket: string, daemonUid: number, ownUid: number): boolean {
  return isPathName(socket) || daemonUid === 0 || daemonUid === ownUid;
}

/**
 * Asks and hands on what comes behind the ack byte, piece by piece, in a buffer that is used again. `take` may return
 * false for enough. Null: there was an answer.
 */
export function askOver(
  stream: RequestStream,
  kind: Action,
  tid: number,
  take: (bytes: Uint8Array) => boolean,
): AnswerFailure | null {
  const request = encodeRequest(kind, tid);
  // A refusal may come before the request was read: the socket is reset then.
  if (unlessReset(() => stream.send(request)) !== request.length) return 'refused';
  const buffer = new Uint8Array(BUFFER_BYTES);
  let length = 0;
  for (;;) {
    const count = unlessReset(() => stream.receive(buffer));
    if (count === null) return 'late';
    if (count === 'reset') return length === 0 ? 'refused' : 'unfinished';
    if (count === 0) break;
    if (length === 0 && buffer[0] !== ACK) return 'refused';
    const first = length === 0 ? 1 : 0;
    length += count;
    if (count > first && !take(buffer.subarray(first, count))) break;
  }
  if (length === 0) return 'refused';
  return length === 1 ? 'unfinished' : null;
}

function unlessReset<T>(call: () => T): T | 'reset' {
  try {
    return call();
  } catch {
    return 'reset';
  }
}
