/** The request sockets: made here, or handed over by the service manager (sd_listen_fds(3)). */
import { lstatSync, unlinkSync } from 'node:fs';
import { logText } from '../../bytes/shown-text.js';
import { type Credentials, loadAddon, type UnixAddress } from '../../platform/addon.js';
import { readProcStatus } from '../../platform/proc-status.js';

/** sd_listen_fds(3): SD_LISTEN_FDS_START. */
const FIRST_PASSED_FD = 3;
/** The kernel caps it at net.core.somaxconn. Many processes may crash at once. */
const BACKLOG = 4096;

export interface RequestSocket {
  readonly fd: number;
  /** For messages: `@android:debuggerd`, a path, or `a socket passed by the service manager`. */
  readonly name: string;
  /** Closes it, and removes the path that was made. */
  close(): void;
}

/** Why there is no socket; one line that says what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** A process of another user holds the name: it may become free. */
  readonly stranger: boolean;

  constructor(message: string, stranger = false) {
    super(message);
    this.stranger = stranger;
  }
}

/**
 * The sockets that the service manager passed, else new ones: a name is abstract, or a path where it begins with `/`. A
 * path that a daemon left behind is taken over, one that is listened on is not. The first must be had; the others are
 * for fewer clients, and anybody can take an abstract name: what is wrong with them is told to `missed`.
 * @throws ListenError
 */
export function openRequestSockets(
  names: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  missed: (reason: string) => void = () => {},
): RequestSocket[] {
  const passed = takePassedSockets(env);
  if (passed.length > 0) return passed;
  const sockets: RequestSocket[] = [];
  for (const [at, name] of names.entries()) {
    try {
      sockets.push(listen(name));
    } catch (error) {
      if (at === 0) throw error;
      missed((error as Error).message);
    }
  }
  return sockets;
}

/** How often a name that a stranger holds is tried again, ms. */
const RETRY_MS = 500;

/**
 * The same; where a stranger holds the name, that is told to `waits` once, and the sockets are there when it has become
 * free: anybody may take an abstract name while no daemon runs, and nobody may keep it from running by that.
 * @throws ListenError
 */
export async function awaitRequestSockets(
  names: readonly string[],
  env: NodeJS.ProcessEnv | undefined,
  missed: (reason: string) => void,
  waits: (reason: string) => void,
): Promise<RequestSocket[]> {
  for (let said = false; ; said = true) {
    try {
      return openRequestSockets(names, env, missed);
    } catch (error) {
      if (!(error instanceof ListenError && error.stranger)) throw error;
      if (!said) waits(error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function listen(name: string): RequestSocket {
  if (name === '' || name.includes('\0')) throw new ListenError('the socket needs a name');
  return name.startsWith('/') ? listenOnPath(name) : listenOnAbstract(name);
}

/** Takes the variables away in any case: they are not for the processes that this one starts. */
function takePassedSockets(env: NodeJS.ProcessEnv): RequestSocket[] {
  const { LISTEN_FDS: count, LISTEN_PID: pid } = env;
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name];
  if (count === undefined || pid !== String(process.pid)) return [];
  if (!/^[1-9]$/.test(count))
    throw new ListenError(`the service manager passed ${count} sockets; give stream sockets, 1 to 9`);
  return Array.from({ length: Number(count) }, (_, index) => passedSocket(FIRST_PASSED_FD + index));
}

function passedSocket(fd: number): RequestSocket {
  const addon = loadAddon();
  try {
    addon.setCloexec(fd, true);
    addon.setNonBlocking(fd, true);
    addon.refuseRights(fd);
  } catch (error) {
    throw new ListenError(`the socket that the service manager passed cannot be used: ${(error as Error).message}`);
  }
  return { fd, name: 'a socket passed by the service manager', close: () => addon.closeFd(fd) };
}

function listenOnAbstract(name: string): RequestSocket {
  const addon = loadAddon();
  try {
    const fd = addon.listenUnix('stream', { abstract: name }, { backlog: BACKLOG, passRights: false });
    return { fd, name: `@${name}`, close: () => addon.closeFd(fd) };
  } catch (error) {
    throw listenError(error, `@${name}`, { abstract: name });
  }
}

function listenOnPath(path: string): RequestSocket {
  const addon = loadAddon();
  removeStaleSocket(path);
  try {
    // Whoever crashes may connect: what it may ask for is decided by its credentials.
    const fd = addon.listenUnix('stream', { path }, { backlog: BACKLOG, mode: 0o666, passRights: false });
    const inode = lstatSync(path).ino;
    return {
      fd,
      name: path,
      close() {
        addon.closeFd(fd);
        removeIf(path, inode);
      },
    };
  } catch (error) {
    throw listenError(error, path, { path });
  }
}

function listenError(error: unknown, name: string, address: UnixAddress): ListenError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const owner = ownerOf(address);
    if (owner !== null && owner.uid !== 0 && owner.uid !== process.geteuid?.()) {
      const who = `a process of uid ${owner.uid} (pid ${owner.pid} "${nameOf(owner.pid)}")`;
      return new ListenError(`${name} is in use by ${who}: end it, or choose another name with --socket`, true);
    }
    return new ListenError(`${name} is in use: another debuggerd runs; stop it, or choose another name with --socket`);
  }
  return new ListenError(`cannot listen on ${name}: ${message}`);
}

/** comm of a process. */
function nameOf(pid: number): string {
  return logText(readProcStatus(pid)?.name ?? '?', 64);
}

/** Who listens there; null where that cannot be told. */
function ownerOf(address: UnixAddress): Credentials | null {
  const addon = loadAddon();
  try {
    const fd = addon.connectUnix('stream', address, { timeoutMs: 0 });
    try {
      return addon.peerCredentials(fd);
    } finally {
      addon.closeFd(fd);
    }
  } catch {
    return null;
  }
}

/** Removes a socket that nobody listens on; anything else stays, and the bind says what is wrong. */
function removeStaleSocket(path: string): void {
  const addon = loadAddon();
  let inode: number;
  try {
    const found = lstatSync(path);
    if (!found.isSocket()) return;
    inode = found.ino;
  } catch {
    return;
  }
  try {
    addon.closeFd(addon.connectUnix('stream', { path }, { timeoutMs: 0 }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') removeIf(path, inode);
  }
}

/** Removes the path while it is still the same file. */
function removeIf(path: string, inode: number): void {
  try {
    if (lstatSync(path).ino === inode) unlinkSync(path);
  } catch {
    // It is gone: that is what was wanted.
  }
}
