import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { readRequestParties as readFacts, readKernelPolicy } from '../../../src/daemon/policy/process-info.js';
import { findTask, readTaskStatus } from '../../../src/platform/proc-status.js';

const { userNamespace } = readKernelPolicy();
const readRequestParties = (peer: Parameters<typeof readFacts>[0], request: Parameters<typeof readFacts>[1]) =>
  readFacts(peer, request, userNamespace);
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

const self = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const request = (kind: 'crash' | 'backtrace', tid: number) => ({
  kind,
  tid,
  abortMessageAddress: 0,
  originalSiCode: 0,
});

describe('facts of a request', () => {
  it('of a crash are the identity of the thread', async () => {
    const { target, targetName } = await readRequestParties(self, request('crash', process.pid));
    expect(target).toMatchObject({ pid: process.pid, tid: process.pid, uid: { effective: self.uid } });
    expect(targetName.length).toBeGreaterThan(0);
    expect((await readRequestParties(self, request('crash', process.ppid))).target).toBeNull();
  });

  it('of a dump are those of both processes, whichever thread was named', async () => {
    const child = spawn('sleep', ['100']);
    children.push(child);
    await once(child, 'spawn');
    // Root's request needs only the identity; anybody else's is decided by all of it.
    const user = { ...self, uid: 4711 };
    const { peer, target } = await readRequestParties(user, request('backtrace', child.pid!));
    expect(peer).toMatchObject({
      pid: process.pid,
      inOtherPidNamespace: false,
      userNamespace: expect.stringMatching(/^user:\[\d+\]$/),
    });
    expect(target).toMatchObject({ pid: child.pid, tid: child.pid, descendsFromPeer: true });
    const thread = Number(readdirSync('/proc/self/task').find((tid) => Number(tid) !== process.pid));
    const own = await readRequestParties({ ...user, pid: child.pid! }, request('backtrace', thread));
    expect(own.target).toMatchObject({ pid: process.pid, tid: thread, descendsFromPeer: false });
    const root = await readRequestParties({ ...self, uid: 0 }, request('backtrace', thread));
    expect(root.target).toMatchObject({ pid: process.pid, tid: thread, uid: { real: self.uid } });
  });

  it('are none of a process that is not visible or gone', async () => {
    expect(await readRequestParties({ ...self, pid: 0 }, request('crash', process.pid))).toMatchObject({
      peer: null,
      target: null,
    });
    expect((await readRequestParties({ ...self, pid: 4_194_304 }, request('backtrace', process.pid))).peer).toBeNull();
  });

  it('of the kernel are numbers', () => {
    expect(readKernelPolicy()).toEqual({
      yamaScope: expect.any(Number),
      overflowUid: 65534,
      userNamespace: expect.any(String),
    });
  });
});

describe.runIf(process.getuid?.() === 0)('another pid namespace', () => {
  it('thread ids are translated, and dumps are asked for in vain', async () => {
    // The host's /proc is still mounted there: /proc/self shows the id that this process knows.
    const script = `console.log(require('fs').readlinkSync('/proc/self')); setInterval(() => {}, 1e6)`;
    const child = spawn('unshare', ['--pid', '--fork', '--kill-child', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const tids = readdirSync(`/proc/${pid}/task`).map(Number);
    expect(tids.length).toBeGreaterThan(1);
    for (const tid of tids) {
      const inside = readTaskStatus(pid, tid)!.nspid.at(-1)!;
      expect(inside).not.toBe(tid);
      expect((await findTask(pid, inside))?.pid).toBe(tid);
    }
    expect(await findTask(pid, pid)).toBeNull();
    const { peer } = await readRequestParties({ ...self, pid }, request('backtrace', process.pid));
    expect(peer?.inOtherPidNamespace).toBe(true);
  });
});
