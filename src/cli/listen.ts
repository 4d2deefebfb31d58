/**
 * `debuggerd listen PATH`: a listener for systems without an activity manager. Prints each notification and
 * acknowledges it.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { shownText } from '../bytes/shown-text.js';
import { NotificationDecoder } from '../wire/activity-manager.js';
import { ACK } from '../wire/request.js';
import { CommandError } from './failure.js';

/** Android's listener gives each connection this long, ms. */
const CONNECTION_MS = 10_000;
const MAX_CONNECTIONS = 64;

export interface Listener {
  close(): Promise<void>;
}

/** Listens until the process is interrupted, then removes the socket. Throws CommandError. */
export async function listen(path: string): Promise<void> {
  const listener = await startListener(path, (text) => process.stdout.write(text));
  process.stderr.write(`Listening on ${path}; set activity_manager = "${path}" in the daemon's configuration.\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await listener.close();
}

/** Listens at `path` and prints what comes. Throws CommandError. */
export async function startListener(
  path: string,
  print: (text: string) => void,
  connectionMs = CONNECTION_MS,
): Promise<Listener> {
  await removeStaleSocket(path);
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    receive(socket, print, connectionMs);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listenOn(server, path);
  // As Android's: the daemon may run as another user than the listener.
  await chmod(path, 0o777);
  return {
    close() {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function receive(socket: Socket, print: (text: string) => void, connectionMs: number): void {
  const decoder = new NotificationDecoder();
  const timer = setTimeout(() => socket.destroy(), connectionMs);
  let done = false;
  const finish = (): void => {
    if (done) return;
    done = true;
    const notification = decoder.finish();
    print(notification.ok ? shown(notification.value) : `(${notification.reason})\n`);
    // Android acknowledges whatever came.
    socket.end(Uint8Array.of(ACK));
  };
  socket.on('data', (chunk) => {
    if (!done && decoder.push(chunk)) finish();
  });
  socket.on('end', finish);
  socket.on('error', () => {});
  socket.on('close', () => clearTimeout(timer));
}

function shown({
  pid,
  signal,
  text,
  truncated,
}: {
  pid: number;
  signal: number;
  text: string;
  truncated: boolean;
}): string {
  const end = text.endsWith('\n') || text === '' ? '' : '\n';
  return `native crash: pid ${pid}, signal ${signal}\n${shownText(text)}${end}${truncated ? '(truncated)\n' : ''}`;
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'something listens there, or a file is in the way' : error.message;
      reject(new CommandError(`cannot listen on ${path}: ${reason}`));
    });
    server.listen(path, resolve);
  });
}

/** Removes a socket that nobody listens on. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) return;
  } catch {
    return;
  }
  const refused = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  try {
    if (refused) unlinkSync(path);
  } catch {
    // The bind says what is wrong.
  }
}
