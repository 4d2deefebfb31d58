import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readKernelPolicy } from '../../../src/daemon/policy/process-info.js';
import type { FlowContext } from '../../../src/daemon/server/request-flow.js';
import { rehearse } from '../../../src/daemon/warm-up/rehearsal.js';
import { loadAddon } from '../../../src/platform/addon.js';

/** What a request needs that is not captured. */
const context = {
  policy: { ...readKernelPolicy(), daemonUid: 0, systemUid: null, allowOwnBacktraces: true },
  limits: { stackBytes: 1, dumpBytes: 1 },
  host: { fingerprint: '', revision: '' },
  logFiles: [],
  environ: false,
  sanitizeStacks: false,
  activityManager: '/nonexistent',
  captureMs: 1000,
  replyMs: 1000,
} as unknown as FlowContext;

describe('the rehearsal of a daemon', () => {
  it('takes requests as far as a tracer, and leaves nothing behind', async () => {
    const before = readdirSync('/proc/self/fd').length;
    expect(await rehearse(context)).toBeGreaterThan(0);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it('does without where it cannot be', async () => {
    const addon = loadAddon();
    const taken = addon.listenUnix('stream', { abstract: `debuggerd-rehearsal-${process.pid}` });
    expect(await rehearse(context)).toBe(0);
    addon.closeFd(taken);
  });
});
