/**
 * The tracer's program: a root process, started ahead of need, that serves one capture at a time over the channel at
 * descriptor 3 until the daemon closes that. Everything is synchronous: ptrace belongs to one thread, and nothing else
 * has to happen meanwhile.
 */

import { collectAll, collectYoung, prepareCollection, QUIET_MS } from '../platform/memory-use.js';
import { loadTracingAddon } from '../platform/ptrace.js';
import { endWithStack } from '../platform/source-stack.js';
import { NO_WARM_UP } from '../wire/job.js';
import { MemoryCopy } from './capture/memory-copy.js';
import { TracerChannel } from './channel.js';
import { codeOf } from './failure.js';
import { Tracer } from './tracer.js';
import { warmUp } from './warm-up/warm-up.js';
import { readMachineInfo } from './write/system-info.js';

const CHANNEL_FD = 3;

function main(): void {
  process.title = 'debuggerd: tracer';
  endWithStack();
  const addon = loadTracingAddon();
  const channel = new TracerChannel(addon, CHANNEL_FD);
  const host = readMachineInfo();
  const memory = new MemoryCopy(addon);
  prepareCollection();
  if (!process.argv.includes(NO_WARM_UP)) warmUp(addon, host, memory);
  collectAll();
  const tracer = new Tracer(addon, channel, host, memory);
  channel.send({ type: 'ready' });
  // The start leaves something to clear up, too.
  let used = true;
  for (;;) {
    if (addon.pollNow(CHANNEL_FD) === 0) collectYoung();
    const waitMs = used ? QUIET_MS : 0;
    const received = channel.receive(waitMs);
    if (received === null && waitMs > 0) {
      collectAll();
      used = false;
      continue;
    }
    if (received === null) break;
    const { message, fds } = received;
    used = true;
    const isJob = message.type === 'capture';
    const client = isJob ? (fds[0] ?? -1) : -1;
    const free = !isJob || tracer.serve(message, client);
    for (const fd of fds) if (fd !== client) addon.closeFd(fd);
    if (!free) break;
  }
  process.exit(0);
}

try {
  main();
} catch (error) {
  // The daemon has gone in the middle of a job: its end is this one's end, and the target is free with it.
  if (!['EPIPE', 'ECONNRESET'].includes(codeOf(error))) throw error;
  process.exit(0);
}
