/** Waiting for one descriptor, with a deadline. */
import { loadAddon } from '../../platform/addon.js';

/**
 * Waits until a descriptor can be read or written (or its peer has gone), at most `deadlineMs` milliseconds. False when
 * the time passed or `signal` was raised; the watch on the descriptor has ended by then, so that it can be closed at
 * once after the abort.
 */
export function waitFor(
  fd: number,
  state: 'readable' | 'writable',
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (signal?.aborted || deadlineMs <= 0) return Promise.resolve(false);
  const addon = loadAddon();
  return new Promise((resolve) => {
    const finish = (ready: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      poller.close();
      resolve(ready);
    };
    const abort = (): void => finish(false);
    const events = state === 'readable' ? addon.constants.READABLE : addon.constants.WRITABLE;
    const poller = addon.poll(fd, events | addon.constants.DISCONNECT, () => finish(true));
    const timer = setTimeout(() => finish(false), deadlineMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
