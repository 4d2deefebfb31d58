/**
 * The engraver: a confined process that the daemon starts with a SOCK_SEQPACKET socket as descriptor 3. It loads and
 * warms all that it needs, gives up the rest for good, says that it is ready, and then takes one job after the other.
 * It ends when the daemon closes its end.
 */
import { closeSync } from 'node:fs';
import { prepareXz } from '../objects/elf/xz.js';
import { type Addon, loadAddon } from '../platform/addon.js';
import { collectGarbage, hasGarbage, prepareCollection, QUIET_MS } from '../platform/memory-use.js';
import { endWithStack } from '../platform/source-stack.js';
import { loadNaming } from '../report/from-dump/demangling.js';
import { type EngraveFailed, type EngraverMessage, MAX_FDS, MAX_MESSAGE, NO_WARM_UP } from '../wire/job.js';
import { Inbox } from './inbox.js';
import { WarmUp } from './warm-up/warm-up.js';
import { EngraveWorker } from './worker.js';

const SOCKET = 3;
/** linux/prctl.h. */
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was none, or an error of its own is reported late: there is nothing to save.
  }
}

/**
 * Nobody of the same user may attach to this process or open its descriptors, which are copies of other users' memory.
 * An exec sets it back, so it is done here; until then the user that nobody else has is what protects the process, and
 * there is nothing in it.
 */
function forbidInspection(addon: Addon): void {
  addon.prctl(PR_SET_DUMPABLE, 0);
}

function checkConfinement(addon: Addon): void {
  if (addon.prctl(PR_GET_DUMPABLE) !== 0) throw new Error('others may look into this process');
}

async function main(): Promise<void> {
  process.title = 'debuggerd: engraver';
  endWithStack();
  const addon = loadAddon();
  forbidInspection(addon);
  // Without it, libraries that keep their names compressed have none.
  await prepareXz().catch(() => {});
  const send = (message: EngraverMessage): void => {
    addon.sendMessage(SOCKET, Buffer.from(JSON.stringify(message)));
  };
  const worker = new EngraveWorker(loadNaming());
  const warmUp = new WarmUp(worker, addon, !process.argv.includes(NO_WARM_UP));
  warmUp.start();
  prepareCollection();
  addon.seccompLockdown();
  checkConfinement(addon);
  send({ type: 'ready' });

  const inbox = new Inbox(close);
  const buffer = Buffer.allocUnsafeSlow(MAX_MESSAGE);
  const receive = (flags = 0) => addon.receiveMessage(SOCKET, buffer, MAX_FDS + 3, flags);
  let warming = true;
  for (;;) {
    let message = receive(addon.constants.MSG_DONTWAIT);
    if (message === null) {
      if (warming) {
        warming = warmUp.next();
        if (!warming) collectGarbage();
        continue;
      }
      if (hasGarbage()) {
        addon.setTimeouts(SOCKET, { receiveMs: QUIET_MS });
        message = receive();
        addon.setTimeouts(SOCKET, { receiveMs: 0 });
        if (message === null) collectGarbage();
      }
      message ??= receive();
    }
    if (message === null) continue;
    if (message.bytes === 0) break;
    const job = inbox.take(buffer.subarray(0, message.bytes), message.fds);
    if (job === null) continue;
    if ('refused' in job) {
      if (job.id >= 0) send({ type: 'engrave-failed', id: job.id, reason: job.refused } satisfies EngraveFailed);
      continue;
    }
    const answer = worker.engrave(job);
    for (const { fd } of [...job.files, ...job.outputs]) close(fd);
    close(job.dump);
    send(answer);
  }
}

void main();
