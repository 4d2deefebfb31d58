/** Accepts clients and reads their requests, many at once; what is asked then goes to a handler. */
import { loadAddon, type Poller } from '../../platform/addon.js';
import { stackLine } from '../../platform/source-stack.js';
import type { DebuggerRequest } from '../../wire/request.js';
import { Admission, type AdmissionLimits, DEFAULT_ADMISSION } from './admission.js';
import { Client } from './client.js';
import { SocketDisposal } from './socket-disposal.js';

/** Pause after an accept that failed for want of descriptors or memory: the poll would report it again at once. */
const ACCEPT_PAUSE_MS = 100;
/** Android's: 3000 ms to send the request. */
export const REQUEST_DEADLINE_MS = 3000;

export interface ServerHandlers {
  /** Answers one request; the client is closed when it settles. */
  request(client: Client, request: DebuggerRequest): Promise<void>;
  /** A client that got no further, and why. */
  refused(client: Client | null, reason: string): void;
}

export interface ServerOptions {
  readonly limits?: AdmissionLimits;
  readonly requestDeadlineMs?: number;
}

/** Uses non-blocking listeners without owning them. */
export class RequestServer {
  readonly #addon = loadAddon();
  readonly #handlers: ServerHandlers;
  readonly #deadlineMs: number;
  readonly #admission: Admission<Client>;
  readonly #clients = new Set<Client>();
  /** Those whose request was read. */
  readonly #spoken = new WeakSet<Client>();
  /** Listeners that wait for a place to become free. */
  readonly #full = new Set<Poller>();
  readonly #disposal = new SocketDisposal();
  readonly #busy = new Set<Promise<void>>();
  readonly #pollers: readonly Poller[];
  readonly #pauses = new Set<NodeJS.Timeout>();
  #open = true;

  constructor(fds: readonly number[], handlers: ServerHandlers, options: ServerOptions = {}) {
    this.#handlers = handlers;
    this.#deadlineMs = options.requestDeadlineMs ?? REQUEST_DEADLINE_MS;
    this.#admission = new Admission(options.limits ?? DEFAULT_ADMISSION);
    this.#pollers = fds.map((fd) => {
      const poller = this.#addon.poll(fd, this.#addon.constants.READABLE, (error) => {
        if (error) this.#handlers.refused(null, `cannot accept: ${error.message}`);
        this.#accept(fd, poller);
      });
      return poller;
    });
  }

  /** Clients connected now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Stops accepting. What is under way goes on: `drained` tells when it is over. */
  stop(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const pause of this.#pauses) clearTimeout(pause);
    for (const poller of this.#pollers) poller.close();
  }

  /** Resolves when the requests under way are answered. */
  async drained(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  /** Drops every client. */
  dropAll(): void {
    for (const client of this.#clients) client.close();
    this.#disposal.close();
  }

  /**
   * Takes one client: what it asks goes on its way before the next is looked at, which the poll reports again at once.
   * So a flood of them leaves time for the requests under way, too.
   */
  #accept(listener: number, poller: Poller): void {
    if (!this.#open) return;
    if (this.#admission.mustWait) {
      poller.update(0);
      this.#full.add(poller);
      return;
    }
    let fd: number | null;
    try {
      fd = this.#addon.acceptUnix(listener);
    } catch (error) {
      this.#rest(poller, (error as Error).message);
      return;
    }
    if (fd !== null) this.#admit(fd);
  }

  #rest(poller: Poller, reason: string): void {
    this.#handlers.refused(null, `cannot accept: ${reason}`);
    poller.update(0);
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      if (this.#open) poller.update(this.#addon.constants.READABLE);
    }, ACCEPT_PAUSE_MS);
    this.#pauses.add(pause);
  }

  #admit(fd: number): void {
    let client: Client;
    try {
      client = new Client(fd, this.#disposal);
    } catch (error) {
      this.#disposal.add(fd);
      this.#handlers.refused(null, `cannot identify a client: ${(error as Error).message}`);
      return;
    }
    const result = this.#admission.admit(client, client.credentials.uid);
    if (!result.admitted) {
      this.#handlers.refused(client, result.reason);
      client.close();
      return;
    }
    if (result.evicted) {
      const why = this.#spoken.has(result.evicted) ? 'its user has most requests open' : 'it sent no request';
      this.#handlers.refused(result.evicted, `${why} while others wait for its place`);
      this.#release(result.evicted);
    }
    this.#clients.add(client);
    const work = this.#serve(client).finally(() => {
      this.#release(client);
      this.#busy.delete(work);
    });
    this.#busy.add(work);
  }

  async #serve(client: Client): Promise<void> {
    const request = await client.readRequest(this.#deadlineMs);
    // Evicted, or dropped by the shutdown: said already.
    if (!this.#clients.has(client)) return;
    if (!request.ok) return this.#handlers.refused(client, request.reason);
    this.#admission.spoke(client);
    this.#spoken.add(client);
    try {
      await this.#handlers.request(client, request.value);
    } catch (error) {
      this.#handlers.refused(client, `internal error: ${stackLine(error)}`);
    }
  }

  #release(client: Client): void {
    this.#clients.delete(client);
    this.#admission.release(client);
    client.close();
    for (const poller of this.#full) if (this.#open) poller.update(this.#addon.constants.READABLE);
    this.#full.clear();
  }
}
