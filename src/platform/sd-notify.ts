/**
 * sd_notify(3) without its library: state lines as one datagram to the socket that NOTIFY_SOCKET names, and the
 * watchdog's beat (sd_watchdog_enabled(3)).
 */
import { loadAddon } from './addon.js';

export interface Notifier {
  /** Tells the service manager, e.g. `READY=1`. False when there is none, or it did not take the message. */
  notify(state: string): boolean;
  /**
   * How often to beat in milliseconds, half of what the manager allows; null when it keeps no watch on this process.
   */
  readonly watchdogMs: number | null;
}

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A name that begins with `@` is abstract. */
export function createNotifier(env: NodeJS.ProcessEnv = process.env, pid = process.pid): Notifier {
  const name = env.NOTIFY_SOCKET ?? '';
  const address = name.startsWith('@') ? { abstract: name.slice(1) } : { path: name };
  const usable = name.startsWith('/') || (name.startsWith('@') && name.length > 1);
  return {
    notify: (state) => usable && sendDatagram(address, Buffer.from(state, 'utf8')),
    watchdogMs: usable ? watchdogInterval(env, pid) : null,
  };
}

function watchdogInterval(env: NodeJS.ProcessEnv, pid: number): number | null {
  const micros = /^\d{1,15}$/.test(env.WATCHDOG_USEC ?? '') ? Number(env.WATCHDOG_USEC) : 0;
  const meant = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  return micros > 0 && meant ? Math.max(micros / 2000, 1) : null;
}

// By the addon and not unix-dgram: the manager's socket may be abstract, and the message must go out when the package
// is missing.
function sendDatagram(address: { abstract: string } | { path: string }, bytes: Uint8Array): boolean {
  const addon = loadAddon();
  let fd = -1;
  try {
    fd = addon.connectUnix('dgram', address, { nonBlocking: true, timeoutMs: 0 });
    return addon.sendMessage(fd, bytes) === bytes.length;
  } catch {
    return false;
  } finally {
    if (fd >= 0) addon.closeFd(fd);
  }
}
