/** Requests to the daemon over its socket. Those for a backtrace or a tombstone are made by native/command, without Node. */
import { type Addon, loadAddon } from '../../platform/addon.js';
import { commandPath } from '../../platform/parts.js';
import { ACK, type Action, DEFAULT_SOCKET, encodeRequest } from '../../wire/request.js';
import { UsageError } from '../failure.js';
import { type AskedRequest, type RequestFailure, requestError } from './request-failure.js';

export interface RequestOptions {
  /** Abstract name or absolute path of the daemon's socket; else $DEBUGGERD_SOCKET, else Android's name. */
  readonly socket?: string;
}

/** sockaddr_un has room for a path of 107 bytes and a NUL, or for a NUL and so long a name (unix(7)). */
const MAX_NAME = 107;
const BUFFER_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 5000;
/** The daemon's own bounds: waiting in its queue, capture, two engravings. Then it is not going to answer. */
const ANSWER_TIMEOUT_MS = 90_000;

/** Throws UsageError. */
function socketName({ socket }: RequestOptions): string {
  const name = socket ?? (process.env.DEBUGGERD_SOCKET || DEFAULT_SOCKET);
  if (name === '' || name.startsWith('-') || Buffer.byteLength(name) > MAX_NAME) {
    throw new UsageError(`'${name}' is no socket: give an abstract name or a path, of ${MAX_NAME} bytes at most`);
  }
  return name;
}

/** Becomes the program that asks for a backtrace or a tombstone and prints the answer, in the one form that it knows. */
export function makeRequest(kind: 'backtrace' | 'tombstone', tid: number, options: RequestOptions): never {
  const words = ['debuggerd', '--socket', socketName(options), ...(kind === 'backtrace' ? ['-b'] : []), String(tid)];
  return loadAddon().exec(commandPath(), words, { ...process.env });
}

/**
 * Asks and hands on what comes behind the ack byte, piece by piece; the buffer is used again. `take` may return false for enough. Throws
 * CommandError when nothing comes.
 */
export function receiveAnswer(
  kind: Action,
  tid: number,
  options: RequestOptions,
  take: (bytes: Uint8Array) => boolean,
): void {
  const request: AskedRequest = { kind, tid, socket: socketName(options) };
  const addon = loadAddon();
  const fd = connect(addon, request);
  try {
    const failure = converse(addon, fd, request, take);
    if (failure !== null) throw requestError(request, { what: failure });
  } finally {
    addon.closeFd(fd);
  }
}

function connect(addon: Addon, request: AskedRequest): number {
  const { socket } = request;
  const isPath = socket.startsWith('/');
  let fd: number;
  try {
    fd = addon.connectUnix('stream', isPath ? { path: socket } : { abstract: socket }, {
      timeoutMs: CONNECT_TIMEOUT_MS,
    });
  } catch (error) {
    throw requestError(request, { what: 'connect', errno: (error as { errno?: number }).errno ?? 0 });
  }
  if (isPath) return fd;
  // Any process can take an abstract name that is free, and answer whatever it likes. A path belongs to who may write in its directory.
  const { uid, pid } = addon.peerCredentials(fd);
  if (uid === 0 || uid === process.geteuid?.()) return fd;
  addon.closeFd(fd);
  throw requestError(request, { what: 'owner', uid, pid });
}

/** Null: there was an answer. */
function converse(
  addon: Addon,
  fd: number,
  { kind, tid }: AskedRequest,
  take: (bytes: Uint8Array) => boolean,
): Exclude<RequestFailure['what'], 'connect' | 'owner'> | null {
  addon.setTimeouts(fd, { receiveMs: ANSWER_TIMEOUT_MS, sendMs: CONNECT_TIMEOUT_MS });
  const buffer = new Uint8Array(BUFFER_BYTES);
  let length = 0;
  // A refusal may come before the request was read: the socket is reset then.
  const system = <T>(call: () => T): T | 'reset' => {
    try {
      return call();
    } catch {
      return 'reset';
    }
  };
  if (system(() => addon.sendMessage(fd, encodeRequest(kind, tid))) === 'reset') return 'refused';
  for (;;) {
    const message = system(() => addon.receiveMessage(fd, buffer));
    if (message === null) return 'late';
    if (message === 'reset') return 'refused';
    const { bytes } = message;
    if (bytes === 0) break;
    if (length === 0 && buffer[0] !== ACK) return 'refused';
    const first = length === 0 ? 1 : 0;
    length += bytes;
    if (bytes > first && !take(buffer.subarray(first, bytes))) break;
  }
  if (length === 0) return 'refused';
  return length === 1 ? 'unfinished' : null;
}
