/**
 * Requests that the daemon makes of itself when it starts: code that runs for the first time is several times slower
 * than later, and the first process that crashes would wait for it. Everything is real, from the socket to the
 * hand-over; what it is handed over to only pretends to be a tracer, and says that nothing could be captured.
 */
import { loadAddon } from '../../platform/addon.js';
import type { TracerMessage } from '../../wire/job.js';
import { encodeMessage } from '../../wire/job-decode.js';
import { encodeRequest } from '../../wire/request.js';
import { RefusalLog } from '../policy/refusal-log.js';
import { waitFor } from '../server/readiness.js';
import { type FlowContext, handleRequest } from '../server/request-flow.js';
import { RequestServer } from '../server/server.js';
import { TracerPool } from '../workers/pool.js';
import type { StartWorker, Worker } from '../workers/worker.js';

const ROUNDS = 150;
/** On a machine that is busy with something else, other things matter more. */
const TIME_MS = 250;
const REPLY_MS = 1000;

/**
 * How many requests came as far as the pretended tracer. Never throws: a daemon that could not rehearse is slower, not
 * broken.
 */
export async function rehearse(context: FlowContext): Promise<number> {
  const addon = loadAddon();
  const address = { abstract: `debuggerd-rehearsal-${process.pid}` };
  let listener = -1;
  let served = 0;
  const start = pretend(() => {
    served++;
  });
  const pool = new TracerPool({ start, min: 1, max: 1, deadlineMs: REPLY_MS, trouble: () => {} });
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  const answered = new RefusalLog(silent);
  const flow: FlowContext = { ...context, pool, log: silent, answered, refused: () => {}, activityManager: null };
  let server: RequestServer | null = null;
  try {
    listener = addon.listenUnix('stream', address, { backlog: 1, passRights: false });
    server = new RequestServer([listener], {
      request: (client, request) => handleRequest(flow, client, request),
      refused: () => {},
    });
    const end = performance.now() + TIME_MS;
    for (let round = 0; round < ROUNDS && performance.now() < end; round++) {
      const fd = addon.connectUnix('stream', address, { timeoutMs: REPLY_MS });
      try {
        addon.sendMessage(fd, encodeRequest('crash', process.pid));
        await waitFor(fd, 'readable', REPLY_MS);
      } finally {
        addon.closeFd(fd);
      }
    }
  } catch {
    // The name is taken, or there are no descriptors left.
  } finally {
    server?.stop();
    // Others may have come too: the name is anybody's to connect to.
    server?.dropAll();
    await server?.drained();
    pool.close();
    if (listener >= 0) addon.closeFd(listener);
  }
  return served;
}

/** A tracer without a process. */
function pretend(taken: () => void): StartWorker {
  return (handlers): Worker => {
    const say = (message: TracerMessage): void => handlers.message(encodeMessage(message), [], false);
    setImmediate(() => say({ type: 'ready' }));
    return {
      pid: 0,
      send(bytes) {
        const { type, id } = JSON.parse(Buffer.from(bytes).toString('utf8'));
        if (type !== 'capture') return true;
        taken();
        setImmediate(() => {
          say({ type: 'capture-failed', id, reason: 'a rehearsal' });
          say({ type: 'released', id });
        });
        return true;
      },
      renice() {},
      kill(reason) {
        handlers.ended(reason);
        handlers.exited?.();
      },
    };
  };
}
