import { describe, expect, it } from 'vitest';
import type { Grounds, TargetInfo } from '../../../src/daemon/policy/policy.js';
import { captureJob } from '../../../src/daemon/server/capture-job.js';
import type { CaptureJob } from '../../../src/wire/job.js';
import type { DebuggerRequest } from '../../../src/wire/request.js';

const ids = (id: number) => ({ real: id, effective: id + 1, saved: id + 2 });
const target: TargetInfo = {
  pid: 70,
  tid: 71,
  uid: ids(1000),
  gid: ids(2000),
  permittedCapabilities: 0n,
  userNamespace: 'user:[1]',
  inOtherPidNamespace: false,
  descendsFromPeer: false,
};
const credentials = { pid: 90, uid: 500, gid: 600 };
const settings = {
  limits: { stackBytes: 1, dumpBytes: 2 },
  host: { fingerprint: 'f', revision: 'r' },
  logFiles: ['/log'],
  environ: true,
  sanitizeStacks: true,
  captureMs: 123,
};

function job(
  kind: DebuggerRequest['kind'],
  grounds: Grounds,
  userNamespace: string | null = 'user:[9]',
  hold = false,
): CaptureJob {
  const request = { kind, tid: 5, abortMessageAddress: 0x1000, originalSiCode: 3 };
  return captureJob(1, request, { credentials, target, peer: { ...target, userNamespace }, grounds }, settings, hold);
}

describe('the job of a request', () => {
  it('names the ids that were seen: the connection’s for a crash, the real ones else', () => {
    expect(job('crash', 'crash of itself')).toMatchObject({ pid: 70, tid: 71, uid: 500, gid: 600 });
    expect(job('backtrace', 'root')).toMatchObject({ pid: 70, tid: 71, uid: 1000, gid: 2000 });
  });

  it('takes the abort message and the code of crashing processes only', () => {
    expect(job('crash', 'crash of itself')).toMatchObject({ abortMessageAddress: 0x1000, originalSiCode: 3 });
    expect(job('tombstone', 'root')).toMatchObject({ abortMessageAddress: 0, originalSiCode: 0 });
  });

  it('has the kernel asked for who was allowed as a process’s own user, whatever was read of them', () => {
    expect(job('backtrace', 'own process').asker).toEqual({ ...credentials, userNamespace: 'user:[9]' });
    expect(job('backtrace', 'own process', null).asker).toEqual({ ...credentials, userNamespace: '' });
    for (const grounds of ['root', 'own daemon', 'system', 'crash of itself'] as const) {
      expect(job('backtrace', grounds).asker).toBeUndefined();
    }
  });

  it('holds the target of a full dump, and of whoever wants it held', () => {
    expect(job('full minidump', 'root')).toMatchObject({ kind: 'tombstone', hold: true, full: 'fork' });
    expect(job('stopped full minidump', 'root')).toMatchObject({ hold: true, full: 'stopped' });
    expect(job('minidump', 'root')).toMatchObject({ kind: 'tombstone', hold: false });
    expect(job('minidump', 'root').full).toBeUndefined();
    expect(job('crash', 'crash of itself', null, true).hold).toBe(true);
  });

  it('has the settings of the daemon; a backtrace shows no log', () => {
    const { limits, environ, sanitizeStacks, deadlineMs, logFiles, host } = job('tombstone', 'root');
    expect({ limits, environ, sanitizeStacks, deadlineMs, logFiles }).toEqual({
      limits: settings.limits,
      environ: true,
      sanitizeStacks: true,
      deadlineMs: 123,
      logFiles: ['/log'],
    });
    expect(host).toMatchObject(settings.host);
    expect(job('backtrace', 'root').logFiles).toEqual([]);
  });
});
