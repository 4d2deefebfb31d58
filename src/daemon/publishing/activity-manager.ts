/**
 * Tells the activity manager of a crash, within its deadlines: 1 s to send, 3 s for the acknowledgement (Android's
 * SO_SNDTIMEO, SO_RCVTIMEO).
 */
import { loadAddon } from '../../platform/addon.js';
import { encodeNotification } from '../../wire/activity-manager.js';
import { waitFor } from '../server/readiness.js';

const SEND_DEADLINE_MS = 1000;
const ACK_DEADLINE_MS = 3000;
/** How often a listener whose backlog is full is tried again, ms. Android's has a backlog of one. */
const RETRY_MS = 20;

export interface ActivityManagerDeadlines {
  readonly sendMs: number;
  readonly ackMs: number;
}

export type NotifyResult = 'acknowledged' | 'not sent' | 'not acknowledged';

export class ActivityManager {
  readonly #addon = loadAddon();
  readonly #fd: number;
  readonly #deadlines: ActivityManagerDeadlines;
  #open = true;

  private constructor(fd: number, deadlines: ActivityManagerDeadlines) {
    this.#fd = fd;
    this.#deadlines = deadlines;
  }

  /** Connects; null when nobody listens at `path`, or takes no connection in time. */
  static async connect(
    path: string,
    deadlines: ActivityManagerDeadlines = { sendMs: SEND_DEADLINE_MS, ackMs: ACK_DEADLINE_MS },
  ): Promise<ActivityManager | null> {
    const addon = loadAddon();
    const end = performance.now() + deadlines.sendMs;
    for (;;) {
      try {
        const fd = addon.connectUnix('stream', { path }, { timeoutMs: 0, nonBlocking: true });
        return new ActivityManager(fd, deadlines);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const full = code === 'ETIMEDOUT' || code === 'EAGAIN';
        if (!full || performance.now() + RETRY_MS > end) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Sends one notification and waits for its acknowledgement. */
  async notify(pid: number, signal: number, text: Uint8Array): Promise<NotifyResult> {
    if (!(await this.#send(encodeNotification(pid, signal, text)))) return 'not sent';
    if (!(await waitFor(this.#fd, 'readable', this.#deadlines.ackMs))) return 'not acknowledged';
    try {
      const answer = this.#addon.receiveMessage(this.#fd, new Uint8Array(1));
      return answer !== null && answer.bytes > 0 ? 'acknowledged' : 'not acknowledged';
    } catch {
      return 'not acknowledged';
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#addon.closeFd(this.#fd);
  }

  /** As with SO_SNDTIMEO, the deadline is for each step forward. */
  async #send(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += this.#addon.sendMessage(this.#fd, bytes.subarray(at)) ?? 0;
      } catch {
        return false;
      }
      if (at < bytes.length && !(await waitFor(this.#fd, 'writable', this.#deadlines.sendMs))) return false;
    }
    return true;
  }
}
