import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WaitStatus } from '../../../src/platform/addon.js';
import type { TracingAddon } from '../../../src/platform/ptrace.js';
import { awaitFatalSignal, SIGNAL_PATIENCE_MS } from '../../../src/tracer/attach/crash-wait.js';
import { Frozen } from '../../../src/tracer/attach/freeze.js';
import { Deadline } from '../../../src/tracer/deadline.js';

const { SIGSEGV, SIGUSR1 } = constants.signals;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A thread that stops before a signal every `everyMs`. */
function threadWith(signal: number, everyMs: number): TracingAddon {
  let next = everyMs;
  const wait = (_tid: number, timeoutMs: number): WaitStatus | null => {
    vi.advanceTimersByTime(Math.min(next, timeoutMs));
    next -= Math.min(next, timeoutMs);
    if (next > 0) return null;
    next = everyMs;
    return { tid: 7, kind: 'stopped', status: (signal << 8) | 0x7f, signal, event: 0 } as unknown as WaitStatus;
  };
  return { wait, cont: () => {} } as unknown as TracingAddon;
}

describe('the wait for the fatal signal', () => {
  it.each([
    ['no signal', threadWith(SIGSEGV, 1e9)],
    ['other signals without end', threadWith(SIGUSR1, 300)],
  ])('ends soon where there is %s, however long the deadline is', (_what, addon) => {
    const start = performance.now();
    expect(() => awaitFatalSignal(addon, 7, new Frozen(7), new Deadline(600_000))).toThrow(
      'no fatal signal came in time',
    );
    expect(performance.now() - start).toBeLessThanOrEqual(SIGNAL_PATIENCE_MS);
  });

  it('is no longer than the deadline', () => {
    const start = performance.now();
    expect(() => awaitFatalSignal(threadWith(SIGSEGV, 1e9), 7, new Frozen(7), new Deadline(50))).toThrow('in time');
    expect(performance.now() - start).toBeLessThanOrEqual(50);
  });

  it('gives the signal when it comes', () => {
    expect(awaitFatalSignal(threadWith(SIGSEGV, 1500), 7, new Frozen(7), new Deadline(9000))).toBe(SIGSEGV);
  });
});
