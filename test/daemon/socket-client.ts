import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { loadAddon, type UnixAddress } from '../../src/platform/addon.js';

/** A name that no other test has. */
export function uniqueName(what: string): string {
  return `debuggerd-test-${what}-${process.pid}-${randomBytes(6).toString('hex')}`;
}

export interface TestClient {
  readonly socket: Socket;
  /** Everything until the end of the stream, byte for byte. */
  readonly answer: Promise<string>;
}

/** A connected stream; Node's own connect cannot name an abstract socket exactly. */
export function connectTo(address: UnixAddress, request?: Uint8Array): TestClient {
  const fd = loadAddon().connectUnix('stream', address, { nonBlocking: true });
  const socket = new Socket({ fd, readable: true, writable: true });
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  // A daemon that closes while something of the request is unread resets the connection.
  socket.on('error', () => {});
  const answer = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  if (request !== undefined) socket.write(request);
  return { socket, answer };
}
