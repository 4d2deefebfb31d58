import { closeSync, fstatSync, openSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PendingCapture } from '../../../src/daemon/workers/capture-run.js';
import { type PoolOptions, TracerPool } from '../../../src/daemon/workers/pool.js';
import type { CaptureJob } from '../../../src/wire/job.js';
import { type FakeWorker, fakeWorkers } from '../fake-worker.js';

let pool: TracerPool;
let workers: FakeWorker[];
let troubles: string[];
let clientFd: number;
let lastId = 0;
const given: number[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  clientFd = openSync('/dev/null', 'r');
});

afterEach(() => {
  pool.close();
  vi.useRealTimers();
  closeSync(clientFd);
  given.length = 0;
});

function makePool(change: Partial<PoolOptions> = {}): void {
  const fakes = fakeWorkers();
  workers = fakes.workers;
  troubles = [];
  pool = new TracerPool({
    start: fakes.start,
    min: 2,
    max: 4,
    deadlineMs: 10_000,
    trouble: (message) => troubles.push(message),
    ...change,
  });
}

function job(hold = false): CaptureJob {
  return {
    type: 'capture',
    id: ++lastId,
    kind: 'crash',
    pid: 1,
    tid: 1,
    uid: 0,
    gid: 0,
    abortMessageAddress: 0,
    originalSiCode: 0,
    hold,
    limits: { stackBytes: 1, dumpBytes: 1 },
    host: { fingerprint: '', revision: '', utcOffsetMinutes: 0 },
    logFiles: [],
  };
}

const capture = (uid = 0, hold = false, wanted = () => true): PendingCapture =>
  pool.capture({ job: job(hold), clientFd, uid, wanted });
const ready = (...which: FakeWorker[]): void => {
  for (const worker of which) worker.say({ type: 'ready' });
};
const jobsOf = (worker: FakeWorker): number[] =>
  worker.sent.filter(({ message }) => message.type === 'capture').map(({ message }) => message.id as number);
/** A descriptor as it would come with a message. */
const file = (): number => {
  const fd = openSync('/dev/null', 'r');
  given.push(fd);
  return fd;
};
const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};
const captured = (id: number) => ({
  type: 'captured',
  id,
  signal: 11,
  threads: 1,
  bytes: 1,
  micros: {},
  softErrors: [],
});
const finish = (worker: FakeWorker, id: number): void => {
  const fd = file();
  worker.say(captured(id), [fd]);
  worker.say({ type: 'released', id });
};

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return done;
}

describe('tracer pool', () => {
  it('has tracers ahead, and gives a request to one of them with the client’s socket', async () => {
    makePool();
    expect(workers).toHaveLength(2);
    ready(...workers);
    const run = capture();
    expect(workers[0]!.sent).toHaveLength(1);
    expect(workers[0]!.sent[0]!.fds).toHaveLength(1);
    expect(pool.idle).toBe(1);
    const [mapped, memfd] = [file(), file()];
    workers[0]!.say({ type: 'files', id: lastId, files: [{ device: 'fd:01', inode: 7, path: '/x' }] }, [mapped]);
    workers[0]!.say(captured(lastId), [memfd]);
    expect(await run.result).toMatchObject({
      ok: true,
      memfd,
      files: [{ file: { device: 'fd:01', inode: 7, path: '/x' }, fd: mapped }],
      captured: { signal: 11 },
    });
    expect(pool.idle).toBe(1);
    workers[0]!.say({ type: 'released', id: lastId });
    await run.released;
    expect(pool.idle).toBe(2);
    for (const fd of [mapped, memfd]) closeSync(fd);
  });

  it('gives nothing more to a tracer that says that it ends, and replaces it', async () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    const run = capture();
    const first = lastId;
    workers[0]!.say(captured(first), [file()]);
    workers[0]!.say({ type: 'released', id: first, ending: true });
    await run.released;
    capture();
    expect(jobsOf(workers[0]!)).toEqual([first]);
    workers[0]!.end('exit 0');
    expect(workers).toHaveLength(2);
    ready(workers[1]!);
    expect(jobsOf(workers[1]!)).toEqual([lastId]);
    expect(troubles).toEqual([]);
  });

  it('lets a tracer stand back while it serves a user who has had much of their time, and nobody else', () => {
    makePool({ min: 1, max: 1 });
    const [worker] = workers as [FakeWorker];
    ready(worker);
    const busy = (uid: number, ms: number): number => {
      capture(uid);
      const { niceness } = worker;
      vi.advanceTimersByTime(ms);
      finish(worker, lastId);
      return niceness;
    };
    expect([busy(7, 1100), busy(7, 2500), busy(8, 10), busy(0, 9000), busy(0, 10)]).toEqual([0, 5, 0, 0, 0]);
    expect([busy(7, 9000), busy(7, 10)]).toEqual([5, 19]);
    // Nobody is held to what was long ago.
    vi.advanceTimersByTime(100_000);
    expect(busy(7, 10)).toBe(0);
  });

  it('queues what comes before a tracer is ready', () => {
    makePool();
    capture();
    const first = lastId;
    capture();
    expect(workers.flatMap(jobsOf)).toEqual([]);
    ready(workers[0]!);
    expect(jobsOf(workers[0]!)).toEqual([first]);
    finish(workers[0]!, first);
    expect(jobsOf(workers[0]!)).toEqual([first, first + 1]);
  });

  it('starts no tracer for a queue that moves', () => {
    makePool({ stallMs: 100 });
    ready(...workers);
    for (let i = 0; i < 10; i++) capture();
    const first = lastId - 9;
    for (let done = 0; done < 8; done++) {
      vi.advanceTimersByTime(99);
      finish(workers[done % 2]!, first + done);
    }
    expect(workers).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    // The two that are under way keep nobody waiting.
    expect(workers).toHaveLength(2);
  });

  it('grows to its bound, one at a time, while the queue stands, and shrinks when idle', () => {
    makePool({ idleMs: 1000, stallMs: 100 });
    ready(...workers);
    const finished = new Set<number>();
    for (let i = 0; i < 10; i++) capture();
    expect(workers).toHaveLength(2);
    vi.advanceTimersByTime(100);
    expect(workers).toHaveLength(3);
    vi.advanceTimersByTime(1000);
    expect(workers).toHaveLength(3);
    ready(workers[2]!);
    vi.advanceTimersByTime(99);
    expect(workers).toHaveLength(3);
    vi.advanceTimersByTime(1);
    expect(workers).toHaveLength(4);
    ready(workers[3]!);
    vi.advanceTimersByTime(1000);
    expect(workers).toHaveLength(4);
    expect(workers.map((worker) => jobsOf(worker).length)).toEqual([1, 1, 1, 1]);
    for (let next = 0; next < 10; ) {
      for (const worker of workers) {
        const id = jobsOf(worker).at(-1)!;
        if (finished.has(id)) continue;
        finished.add(id);
        next++;
        finish(worker, id);
      }
    }
    expect(workers.flatMap(jobsOf)).toHaveLength(10);
    vi.advanceTimersByTime(1000);
    expect(workers.filter((worker) => worker.alive)).toHaveLength(2);
    expect(pool.idle).toBe(2);
    expect(troubles).toEqual([]);
  });

  it('leaves the last place to others when one user floods it', () => {
    makePool({ min: 4, max: 4 });
    ready(...workers);
    for (let i = 0; i < 6; i++) capture(500);
    expect(workers.map((worker) => jobsOf(worker).length)).toEqual([1, 1, 0, 0]);
    capture(501);
    expect(jobsOf(workers[2]!)).toEqual([lastId]);
  });

  it('keeps a place for root, whatever number of users floods it', () => {
    makePool({ min: 4, max: 4 });
    ready(...workers);
    for (let uid = 500; uid < 510; uid++) for (let i = 0; i < 6; i++) capture(uid);
    expect(workers.map((worker) => jobsOf(worker).length)).toEqual([1, 1, 1, 0]);
    capture(0);
    expect(jobsOf(workers[3]!)).toEqual([lastId]);
  });

  it('lets who has held tracers for long go after others', () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    capture(500);
    const first = lastId;
    for (let i = 0; i < 3; i++) capture(500);
    vi.advanceTimersByTime(2000);
    capture(501);
    const other = lastId;
    finish(workers[0]!, first);
    expect(jobsOf(workers[0]!)).toEqual([first, other]);
    finish(workers[0]!, other);
    expect(jobsOf(workers[0]!)).toEqual([first, other, first + 1]);
  });

  it('lets a user rest whose request has cost a tracer', () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    for (let i = 0; i < 3; i++) capture(500);
    const first = lastId - 2;
    const lose = (worker: FakeWorker, id: number): void => {
      worker.say(captured(id), [file()]);
      worker.say({ type: 'released', id, ending: true });
      worker.end('exit 0');
    };
    lose(workers[0]!, first);
    ready(workers[1]!);
    expect(jobsOf(workers[1]!)).toEqual([]);
    capture(501);
    const other = lastId;
    expect(jobsOf(workers[1]!)).toEqual([other]);
    finish(workers[1]!, other);
    vi.advanceTimersByTime(999);
    expect(jobsOf(workers[1]!)).toEqual([other]);
    vi.advanceTimersByTime(1);
    expect(jobsOf(workers[1]!)).toEqual([other, first + 1]);
  });

  it('does not let root rest', () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    for (let i = 0; i < 2; i++) capture(0);
    workers[0]!.say(captured(lastId - 1), [file()]);
    workers[0]!.say({ type: 'released', id: lastId - 1, ending: true });
    workers[0]!.end('exit 0');
    ready(workers[1]!);
    expect(jobsOf(workers[1]!)).toEqual([lastId]);
  });

  it('kills a tracer at the deadline, replaces it and fails the request', async () => {
    makePool();
    ready(...workers);
    const run = capture();
    vi.advanceTimersByTime(9_999);
    expect(workers[0]!.alive).toBe(true);
    vi.advanceTimersByTime(1);
    expect(workers[0]!.killed).toBe('deadline passed');
    expect(await run.result).toEqual({ ok: false, reason: 'deadline of 10 s passed' });
    await run.released;
    expect(workers).toHaveLength(3);
    expect(troubles).toEqual(['tracer 1000 ended: deadline passed']);
  });

  it('leaves everybody a tracer when those of one user are killed and do not end', async () => {
    makePool({ stallMs: 100, queueMs: 1_000_000 });
    const greeted = new Set<FakeWorker>();
    const greet = (): void => {
      for (const worker of workers) if (worker.alive && !greeted.has(worker)) ready(worker);
      for (const worker of workers) greeted.add(worker);
    };
    const alive = (): FakeWorker[] => workers.filter((worker) => worker.alive);
    /** Each request of the user gets its tracer stuck. */
    const attack = (uid: number, rounds: number): void => {
      for (let round = 0; round < rounds; round++) {
        capture(uid);
        greet();
        for (const worker of alive()) worker.stuck = true;
        vi.advanceTimersByTime(10_000);
        greet();
      }
    };
    attack(500, 8);
    // Two got stuck, and no more; they are replaced.
    expect(workers.filter((worker) => !worker.alive)).toHaveLength(2);
    expect(pool.idle).toBe(2);
    for (let user = 501; user < 507; user++) attack(user, 8);
    expect(workers.filter((worker) => !worker.alive)).toHaveLength(14);
    const others = [capture(601), capture(602)];
    expect(alive().filter((worker) => jobsOf(worker).length > 0)).toHaveLength(2);
    for (const worker of alive()) {
      worker.say({ type: 'capture-failed', id: jobsOf(worker).at(-1), reason: 'done' });
      worker.say({ type: 'released', id: jobsOf(worker).at(-1) });
    }
    await Promise.all(others.map((run) => run.released));
    attack(507, 2);
    // From sixteen on users have one tracer together; root has its own.
    const busy = (): number => alive().length - pool.idle;
    capture(601);
    capture(602);
    expect(busy()).toBe(1);
    capture(0);
    expect(busy()).toBe(2);
    // One that is gone makes room again.
    workers.find((worker) => !worker.alive)!.exit();
    greet();
    vi.advanceTimersByTime(1000);
    greet();
    expect(busy()).toBe(3);
  });

  it('counts a tracer that ends by itself until its process is gone, and replaces it at once', async () => {
    makePool({ min: 1, max: 4, stallMs: 100, queueMs: 1_000_000 });
    for (let round = 0; round < 2; round++) {
      ready(workers[round]!);
      const run = capture(500);
      workers[round]!.say(captured(lastId), [file()]);
      workers[round]!.say({ type: 'released', id: lastId, ending: true });
      await run.released;
      expect(workers).toHaveLength(round + 2);
    }
    ready(workers[2]!);
    capture(500);
    expect(jobsOf(workers[2]!)).toEqual([]);
    workers[0]!.end('exit 0');
    vi.advanceTimersByTime(1000);
    expect(jobsOf(workers[2]!)).toEqual([lastId]);
    expect(troubles).toEqual([]);
  });

  it('keeps what was captured when the deadline passes while the target is held', async () => {
    makePool();
    ready(...workers);
    const run = capture(0, true);
    const memfd = file();
    workers[0]!.say(captured(lastId), [memfd]);
    expect(await settled(run.released)).toBe(false);
    vi.advanceTimersByTime(10_000);
    expect(await run.result).toMatchObject({ ok: true, memfd });
    await run.released;
    expect(isOpen(memfd)).toBe(true);
    closeSync(memfd);
  });

  it('sends Release once, when the copy is there and the target is held', async () => {
    makePool();
    ready(...workers);
    const run = capture(0, true);
    run.release();
    expect(workers[0]!.sent).toHaveLength(1);
    const memfd = file();
    workers[0]!.say(captured(lastId), [memfd]);
    run.release();
    expect(workers[0]!.sent.slice(1).map(({ message }) => message)).toEqual([{ type: 'release', id: lastId }]);
    expect(await settled(run.released)).toBe(false);
    workers[0]!.say({ type: 'released', id: lastId });
    await run.released;
    closeSync(memfd);
  });

  it.each<[string, (worker: FakeWorker, id: number) => void]>([
    ['an answer to another request', (worker, id) => worker.say(captured(id + 1), [file()])],
    ['a copy without a descriptor', (worker, id) => worker.say(captured(id))],
    ['a copy with two', (worker, id) => worker.say(captured(id), [file(), file()])],
    ['a release before the copy', (worker, id) => worker.say({ type: 'released', id })],
    [
      'files without descriptors',
      (worker, id) => worker.say({ type: 'files', id, files: [{ device: '', inode: 1, path: '' }] }),
    ],
    ['a second hello', (worker) => worker.say({ type: 'ready' }, [file()])],
    ['what is no message', (worker) => worker.say([], [file()])],
  ])('kills a tracer that sends %s, and closes what came along', async (_name, misbehave) => {
    makePool();
    ready(...workers);
    const run = capture();
    const mapped = file();
    workers[0]!.say({ type: 'files', id: lastId, files: [{ device: '', inode: 1, path: '' }] }, [mapped]);
    misbehave(workers[0]!, lastId);
    expect(workers[0]!.alive).toBe(false);
    expect(await run.result).toMatchObject({ ok: false });
    expect(given.filter(isOpen)).toEqual([]);
  });

  it('passes on why a capture failed and uses the tracer again', async () => {
    makePool();
    ready(...workers);
    const run = capture();
    workers[0]!.say({ type: 'capture-failed', id: lastId, reason: 'gone' });
    expect(await run.result).toEqual({ ok: false, reason: 'gone' });
    expect(await settled(run.released)).toBe(false);
    workers[0]!.say({ type: 'released', id: lastId });
    await run.released;
    expect(pool.idle).toBe(2);
  });

  it('does not trace for a client that left while it waited', async () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    capture();
    const first = lastId;
    const left = capture(0, false, () => false);
    capture();
    finish(workers[0]!, first);
    expect(await left.result).toEqual({ ok: false, reason: 'the client left before a tracer was free' });
    expect(jobsOf(workers[0]!)).toEqual([first, lastId]);
  });

  it('keeps so many files of a capture, and says how many it does not', async () => {
    makePool({ maxFiles: 2 });
    ready(...workers);
    const run = capture();
    const files = [file(), file(), file()];
    const memfd = file();
    const list = files.map((_fd, inode) => ({ device: '0', inode, path: '/x' }));
    workers[0]!.say({ type: 'files', id: lastId, files: list.slice(0, 1) }, files.slice(0, 1));
    workers[0]!.say({ type: 'files', id: lastId, files: list.slice(1) }, files.slice(1));
    workers[0]!.say(captured(lastId), [memfd]);
    const result = await run.result;
    expect(result).toMatchObject({
      ok: true,
      captured: { softErrors: ['files: 1 are not looked into: a copy may bring 2'] },
    });
    expect(result.ok && result.files.map(({ fd }) => fd)).toEqual(files.slice(0, 2));
    expect(files.map(isOpen)).toEqual([true, true, false]);
    for (const fd of [...files.slice(0, 2), memfd]) closeSync(fd);
  });

  it('passes over users who may not start, until they may', () => {
    const held = new Set([500]);
    makePool({ min: 1, max: 1, mayStart: (uid) => !held.has(uid) });
    ready(workers[0]!);
    capture(500);
    const first = lastId;
    capture(501);
    expect(jobsOf(workers[0]!)).toEqual([lastId]);
    finish(workers[0]!, lastId);
    expect(jobsOf(workers[0]!)).toEqual([lastId]);
    held.clear();
    pool.wake();
    expect(jobsOf(workers[0]!)).toEqual([lastId, first]);
  });

  it('bounds the queue and the time in it', async () => {
    makePool({ min: 1, max: 1, queueLength: 2, queueMs: 500 });
    const waiting = [capture(), capture()];
    expect(await capture().result).toEqual({ ok: false, reason: 'too many requests wait for a tracer' });
    vi.advanceTimersByTime(500);
    for (const { result } of waiting)
      expect(await result).toEqual({ ok: false, reason: 'no tracer became free in time' });
    const next = capture();
    ready(workers[0]!);
    expect(jobsOf(workers[0]!)).toEqual([lastId]);
    expect(await settled(next.result)).toBe(false);
  });

  it('tries again later, and later, when tracers do not start', () => {
    makePool({ min: 1, max: 1 });
    const starts = [];
    for (let ms = 0; ms < 2000; ms += 50) {
      const last = workers.at(-1)!;
      if (last.alive) {
        starts.push(ms);
        last.end('it exited with status 1');
      }
      vi.advanceTimersByTime(50);
    }
    expect(starts).toEqual([0, 100, 300, 700, 1500]);
    expect(troubles).toHaveLength(5);
  });

  it('kills a tracer that never says hello', () => {
    makePool({ min: 1 });
    vi.advanceTimersByTime(60_000);
    expect(workers[0]!.killed).toBe('it did not say that it is ready');
  });

  it('goes on when a start throws', () => {
    let failures = 2;
    const fakes = fakeWorkers();
    makePool({
      min: 1,
      start: (handlers) => {
        if (failures-- > 0) throw new Error('EAGAIN');
        return fakes.start(handlers);
      },
    });
    vi.advanceTimersByTime(300);
    expect(fakes.workers).toHaveLength(1);
    expect(troubles).toEqual(['cannot start a tracer: EAGAIN', 'cannot start a tracer: EAGAIN']);
  });

  it('fails everything when it is closed', async () => {
    makePool({ min: 1, max: 1 });
    ready(workers[0]!);
    const runs = [capture(), capture()];
    pool.close();
    for (const { result, released } of runs) {
      expect(await result).toMatchObject({ ok: false });
      await released;
    }
    expect(workers.every((worker) => !worker.alive)).toBe(true);
    expect(await capture().result).toEqual({ ok: false, reason: 'the daemon is shutting down' });
    vi.advanceTimersByTime(60_000);
    expect(workers).toHaveLength(1);
  });
});
