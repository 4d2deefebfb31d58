/** Stands where the daemon listens: takes requests apart and does to them what a test says. Attaches to nobody. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One connection whose request has arrived (all that came by then: a request is one packet of the client's). */
export interface Knock {
  readonly bytes: Buffer;
  readonly action: number;
  readonly tid: number;
  readonly abortMessageAddress: bigint;
  readonly originalSiCode: number;
  readonly socket: Socket;
  /** Writes the ack byte and, where there is any, a reply, and closes. */
  acknowledge(reply?: string): void;
  /** Closes without a byte. */
  refuse(): void;
}

export type Behaviour = 'acknowledge' | 'refuse' | 'hold';

export class FakeDaemon {
  readonly knocks: Knock[] = [];
  /** What DEBUGGERD_SOCKET is to be. */
  readonly name: string;
  readonly #directory: string;
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #behaviour: Behaviour;

  private constructor(behaviour: Behaviour, abstractName: string | undefined) {
    this.#behaviour = behaviour;
    this.#directory = mkdtempSync(join(tmpdir(), 'debuggerd-client-'));
    this.name = abstractName ?? join(this.#directory, 'socket');
  }

  static async start(behaviour: Behaviour, abstractName?: string): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(behaviour, abstractName);
    daemon.#server.listen(abstractName === undefined ? daemon.name : `\0${abstractName}`);
    await once(daemon.#server, 'listening');
    return daemon;
  }

  /** The n-th request (from 0), when it is here. */
  async knock(n: number): Promise<Knock> {
    for (;;) {
      const found = this.knocks[n];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      const whole = bytes.length === 20;
      const knock: Knock = {
        bytes,
        action: whole ? bytes.readInt32LE(0) : -1,
        tid: whole ? bytes.readInt32LE(4) : -1,
        abortMessageAddress: whole ? bytes.readBigUInt64LE(8) : 0n,
        originalSiCode: whole ? bytes.readInt32LE(16) : 0,
        socket,
        acknowledge: (reply = '') => socket.end(`\0${reply}`),
        refuse: () => socket.end(),
      };
      if (this.#behaviour === 'acknowledge') knock.acknowledge();
      if (this.#behaviour === 'refuse') knock.refuse();
      this.knocks.push(knock);
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }
}
