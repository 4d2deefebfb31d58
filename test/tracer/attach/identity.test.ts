import { describe, expect, it } from 'vitest';
import { identityProblem } from '../../../src/tracer/attach/identity.js';
import type { CaptureJob } from '../../../src/wire/job.js';

describe('identity', () => {
  const job = (change: Partial<CaptureJob>) =>
    ({ kind: 'tombstone', pid: 10, tid: 11, uid: 5, gid: 6, ...change }) as CaptureJob;
  const status = (uid: string, gid: string, pid = 11, tgid = 10) =>
    `Name:\tx\nTgid:\t${tgid}\nPid:\t${pid}\nPPid:\t1\nTracerPid:\t0\nUid:\t${uid}\nGid:\t${gid}\nNSpid:\t${pid}\nCapPrm:\t0000000000000000\n`;

  it('compares real ids of a named target, effective ones of a crashing client', () => {
    const setuid = status('5 7 7 7', '6 8 8 8');
    expect(identityProblem(job({}), setuid)).toBeNull();
    expect(identityProblem(job({ kind: 'crash' }), setuid)).toMatch(/uid 7 gid 8, expected uid 5 gid 6/);
    expect(identityProblem(job({ kind: 'crash', uid: 7, gid: 8 }), setuid)).toBeNull();
    expect(identityProblem(job({ gid: 7 }), setuid)).toMatch(/gid 6, expected uid 5 gid 7/);
  });

  it('wants the thread to be of the process', () => {
    expect(identityProblem(job({}), status('5 5 5 5', '6 6 6 6', 12))).toMatch(/no thread of process 10/);
    expect(identityProblem(job({}), status('5 5 5 5', '6 6 6 6', 11, 11))).toMatch(/no thread of process 10/);
    expect(identityProblem(job({}), 'garbage')).toMatch(/cannot be read/);
  });
});
