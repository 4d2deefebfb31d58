/** While a target is held still after its copy was sent: the wait for the daemon's word to let it go. */
import type { Addon } from '../platform/addon.js';
import type { TracerChannel } from './channel.js';
import { Deadline } from './deadline.js';

/** A target is not held longer than this, whatever the daemon does. */
const HOLD_MS = 30_000;

/**
 * Whether the memory of a full capture is to be sent: said by the release of capture `id`, and not where none comes.
 */
export function awaitRelease(
  addon: Pick<Addon, 'closeFd'>,
  channel: Pick<TracerChannel, 'receive'>,
  id: number,
): boolean {
  const deadline = new Deadline(HOLD_MS);
  while (!deadline.passed) {
    const received = channel.receive(Math.max(1, Math.ceil(deadline.remaining())));
    if (received === null) return false;
    for (const fd of received.fds) addon.closeFd(fd);
    const { message } = received;
    if (message.type === 'release' && message.id === id) return message.memory === true;
  }
  return false;
}
