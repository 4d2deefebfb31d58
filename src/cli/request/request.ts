/**
 * Requests to the daemon over its socket. Those for a backtrace or a tombstone are made by native/command, without
 * Node.
 */
import { type Addon, loadAddon } from '../../platform/addon.js';
import { commandPath } from '../../platform/parts.js';
import { type Action, DEFAULT_SOCKET } from '../../wire/request.js';
import {
  ANSWER_TIMEOUT_MS,
  askOver,
  isPathName,
  isTrustedDaemon,
  MAX_SOCKET_NAME,
  type RequestStream,
  SEND_TIMEOUT_MS,
} from '../../wire/request-client.js';
import { UsageError } from '../failure.js';
import { type AskedRequest, requestError } from './request-failure.js';

export interface RequestOptions {
  /** Abstract name or absolute path of the daemon's socket; else $DEBUGGERD_SOCKET, else Android's name. */
  readonly socket?: string;
}

/** Throws UsageError. */
function socketName({ socket }: RequestOptions): string {
  const name = socket ?? (process.env.DEBUGGERD_SOCKET || DEFAULT_SOCKET);
  if (name === '' || name.startsWith('-') || Buffer.byteLength(name) > MAX_SOCKET_NAME) {
    throw new UsageError(
      `'${name}' is no socket: give an abstract name or a path, of ${MAX_SOCKET_NAME} bytes at most`,
    );
  }
  return name;
}

/**
 * Becomes the program that asks for a backtrace or a tombstone and prints the answer, in the one form that it knows.
 */
export function makeRequest(kind: 'backtrace' | 'tombstone', tid: number, options: RequestOptions): never {
  const words = ['debuggerd', '--socket', socketName(options), ...(kind === 'backtrace' ? ['-b'] : []), String(tid)];
  return loadAddon().exec(commandPath(), words, { ...process.env });
}

/**
 * Asks and hands on what comes behind the ack byte, piece by piece; the buffer is used again. `take` may return false
 * for enough. Throws CommandError when nothing comes.
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
    addon.setTimeouts(fd, { receiveMs: ANSWER_TIMEOUT_MS, sendMs: SEND_TIMEOUT_MS });
    const stream: RequestStream = {
      send: (bytes) => addon.sendMessage(fd, bytes),
      receive: (buffer) => addon.receiveMessage(fd, buffer)?.bytes ?? null,
    };
    const failure = askOver(stream, kind, tid, take);
    if (failure !== null) throw requestError(request, { what: failure });
  } finally {
    addon.closeFd(fd);
  }
}

function connect(addon: Addon, request: AskedRequest): number {
  const { socket } = request;
  const address = isPathName(socket) ? { path: socket } : { abstract: socket };
  let fd: number;
  try {
    fd = addon.connectUnix('stream', address, { timeoutMs: SEND_TIMEOUT_MS });
  } catch (error) {
    throw requestError(request, { what: 'connect', errno: (error as { errno?: number }).errno ?? 0 });
  }
  const { uid, pid } = addon.peerCredentials(fd);
  if (isTrustedDaemon(socket, uid, process.geteuid?.() ?? -1)) return fd;
  addon.closeFd(fd);
  throw requestError(request, { what: 'owner', uid, pid });
}
