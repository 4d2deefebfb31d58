/** `debuggerd -b TID` and `debuggerd TID`: asks the daemon for a backtrace or a tombstone, with Android's words and exit codes. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Credentials, loadAddon } from '../platform/addon.js';
import { readProcStatus } from '../platform/proc-status.js';
import { ACK, type Action, DEFAULT_SOCKET, encodeRequest } from '../protocol/request.js';
import { CommandError } from './failure.js';
import { shownText } from './shown-text.js';

export interface RequestOptions {
  /** Abstract name or absolute path of the daemon's socket; else $DEBUGGERD_SOCKET, else Android's name. */
  readonly socket?: string;
}

/** Where output goes; tests give their own. */
export interface Output {
  readonly stdout: (text: string | Uint8Array) => void;
  readonly stderr: (text: string) => void;
}

const STANDARD: Output = {
  stdout: (text) => writeOut(forOutput(Buffer.from(text as Uint8Array), isatty(1))),
  stderr: (text) => process.stderr.write(text),
};

/** An answer as it is, but for a terminal: names of threads and files are in it, and whoever chose those does not rule the terminal. */
export function forOutput(bytes: Uint8Array, terminal: boolean): Uint8Array {
  return terminal ? Buffer.from(shownText(Buffer.from(bytes).toString('utf8'))) : bytes;
}

/** To the descriptor itself: Node's stream takes some milliseconds to be made. Where that is full and does not wait, the stream is needed. */
function writeOut(bytes: Uint8Array): void {
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(1, bytes, done);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') process.stdout.write(bytes.subarray(done));
    // The reader has seen enough (head, less).
    else if (code !== 'EPIPE') throw error;
  }
}

/** A backtrace of thousands of threads is some megabytes; a daemon that sends more without end is cut off. */
const MAX_ANSWER = 256 * 1024 * 1024;
const BUFFER_BYTES = 256 * 1024;
/** The daemon's own bounds: waiting in its queue, capture, two engravings. Then it is not going to answer. */
const ANSWER_TIMEOUT_MS = 90_000;

/** Prints the backtraces of all threads of the process that has thread `tid`. Throws CommandError. */
export async function requestBacktrace(tid: number, options: RequestOptions, output: Output = STANDARD): Promise<void> {
  output.stdout(`Sending request to dump task ${tid}.\n`);
  const text = await request('backtrace', tid, options);
  output.stdout(text);
}

/** Has a tombstone of the process written, and prints its path. Throws CommandError. */
export async function requestTombstone(tid: number, options: RequestOptions, output: Output = STANDARD): Promise<void> {
  output.stdout(`Sending request to dump task ${tid}.\n`);
  const path = await request('tombstone', tid, options);
  output.stderr(`Tombstone written to: ${shownText(Buffer.from(path).toString('utf8'))}\n`);
}

/** The answer behind the ack byte; never empty. */
async function request(kind: Action, tid: number, options: RequestOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  receiveAnswer(kind, tid, options, (bytes) => {
    chunks.push(bytes.slice());
    length += bytes.length;
    return length < MAX_ANSWER;
  });
  return Buffer.concat(chunks);
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
  const name = options.socket ?? (process.env.DEBUGGERD_SOCKET || DEFAULT_SOCKET);
  const shown = name.startsWith('/') ? name : `@${name}`;
  const failed = `Error dumping ${kind}.`;
  const addon = loadAddon();
  let fd: number;
  try {
    const address = name.startsWith('/') ? { path: name } : { abstract: name };
    fd = addon.connectUnix('stream', address, { timeoutMs: 5000 });
  } catch (error) {
    throw new CommandError(`${failed} ${connectProblem((error as NodeJS.ErrnoException).code, shown, error as Error)}`);
  }
  // A refusal may come before the request was read: the socket is reset then.
  const refused = (): CommandError => new CommandError(`${failed} ${refusal(kind, tid)}`);
  const system = <T>(call: () => T): T => {
    try {
      return call();
    } catch {
      throw refused();
    }
  };
  try {
    if (!name.startsWith('/')) checkOwner(addon.peerCredentials(fd), shown, failed);
    addon.setTimeouts(fd, { receiveMs: ANSWER_TIMEOUT_MS, sendMs: 5000 });
    system(() => addon.sendMessage(fd, encodeRequest(kind, tid)));
    const buffer = new Uint8Array(BUFFER_BYTES);
    let length = 0;
    for (;;) {
      const message = system(() => addon.receiveMessage(fd, buffer));
      if (message === null)
        throw new CommandError(`${failed} The daemon at ${shown} did not answer in time; see its log.`);
      const { bytes } = message;
      if (bytes === 0) break;
      if (length === 0 && buffer[0] !== ACK) throw refused();
      const first = length === 0 ? 1 : 0;
      length += bytes;
      if (bytes > first && !take(buffer.subarray(first, bytes))) break;
    }
    if (length === 0) throw refused();
    if (length === 1) throw new CommandError(`${failed} The daemon began and could not finish; see its log.`);
  } finally {
    addon.closeFd(fd);
  }
}

/**
 * Any process can take an abstract name that is free, and answer whatever it likes. A path belongs to who may write in its directory, and is
 * never used unless it was named: it also reaches daemons whose user has no name here (user_namespaces(7)).
 */
function checkOwner({ uid, pid }: Credentials, shown: string, failed: string): void {
  if (uid === 0 || uid === process.geteuid?.()) return;
  throw new CommandError(
    `${failed} The socket ${shown} is held by uid ${uid} (pid ${pid}), which is neither root nor you: that is not the system's debuggerd.`,
  );
}

function connectProblem(code: string | undefined, shown: string, error: Error): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return `No daemon listens on ${shown}: start one (as root: debuggerd), or name its socket with --socket.`;
  }
  if (code === 'EACCES' || code === 'EPERM') return `The socket ${shown} is not for this user: ask as root.`;
  if (code === 'ETIMEDOUT' || code === 'EAGAIN')
    return `The daemon at ${shown} is too busy to take a request; try again.`;
  return `Cannot reach the daemon at ${shown}: ${error.message}.`;
}

/** The daemon closes without a byte whatever its reason is: this finds the likely one from what this process sees itself. */
function refusal(kind: Action, tid: number): string {
  const target = readProcStatus(tid);
  if (target === null) return `There is no thread ${tid}; give one that ps -eL lists (LWP).`;
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return `The daemon could not attach to thread ${tid}, or refused; its log says why.`;
  if (kind !== 'backtrace')
    return 'Only root may ask for tombstones and minidumps: ask as root, or for a backtrace (-b).';
  if (target.uid.real !== uid) return `Thread ${tid} is of uid ${target.uid.real}: ask as root.`;
  return `The daemon refused a backtrace of thread ${tid}: ask as root; the daemon's log says why.`;
}
