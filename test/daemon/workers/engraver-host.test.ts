import { fstatSync, openSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngraverHost, groupFiles } from '../../../src/daemon/workers/engraver-host.js';
import { MAX_FDS, MAX_MESSAGE } from '../../../src/wire/job.js';
import { type FakeWorker, fakeWorkers } from '../fake-worker.js';

let host: EngraverHost;
let workers: FakeWorker[];
let troubles: string[];

beforeEach(() => {
  vi.useFakeTimers();
  const fakes = fakeWorkers();
  workers = fakes.workers;
  troubles = [];
  host = new EngraverHost({ start: fakes.start, deadlineMs: 1000, trouble: (message) => troubles.push(message) });
});

afterEach(() => {
  host.close();
  vi.useRealTimers();
});

const engraved = (id: number) => ({
  type: 'engraved',
  id,
  topFrame: 'f',
  signal: 's',
  threads: 1,
  frames: 1,
  micros: {},
  softErrors: [],
});
const opened = (fd: number) => ({ file: { device: '00:00', inode: fd, path: `/f${fd}` }, fd });
const order = (id: number, uid = 0) => ({
  id,
  uid,
  memfd: 90,
  files: [opened(70), opened(71)],
  outputs: [
    { kind: 'tombstone' as const, fd: 91 },
    { kind: 'minidump' as const, fd: 92 },
  ],
});

describe('engraver host', () => {
  it('sends the files, then the job with the copy and the outputs', async () => {
    workers[0]!.say({ type: 'ready' });
    const result = host.engrave(order(5));
    expect(workers[0]!.sent).toEqual([
      { message: { type: 'files', id: 5, files: [opened(70).file, opened(71).file] }, fds: [70, 71] },
      { message: { type: 'engrave', id: 5, outputs: ['tombstone', 'minidump'] }, fds: [90, 91, 92] },
    ]);
    workers[0]!.say(engraved(5));
    expect(await result).toEqual({ ok: true, engraved: engraved(5) });
  });

  it('gives one job at a time, in order, from when it is ready', async () => {
    const results = [host.engrave(order(1)), host.engrave(order(2))];
    const jobs = () =>
      workers[0]!.sent.filter(({ message }) => message.type === 'engrave').map(({ message }) => message.id);
    expect(jobs()).toEqual([]);
    workers[0]!.say({ type: 'ready' });
    expect(jobs()).toEqual([1]);
    workers[0]!.say({ type: 'engrave-failed', id: 1, reason: 'bad' });
    expect(await results[0]).toEqual({ ok: false, reason: 'bad' });
    expect(jobs()).toEqual([1, 2]);
    workers[0]!.say(engraved(2));
    expect(await results[1]).toMatchObject({ ok: true });
  });

  it('replaces an engraver that dies, and fails its job only', async () => {
    workers[0]!.say({ type: 'ready' });
    const [first, second] = [host.engrave(order(1)), host.engrave(order(2))];
    workers[0]!.end('it died by signal 11');
    expect(await first).toEqual({ ok: false, reason: 'the engraver ended: it died by signal 11' });
    expect(troubles).toEqual(['engraver ended: it died by signal 11']);
    workers[1]!.say({ type: 'ready' });
    workers[1]!.say(engraved(2));
    expect(await second).toMatchObject({ ok: true });
  });

  it('kills one that passes its deadline, and one that speaks out of turn', async () => {
    workers[0]!.say({ type: 'ready' });
    const late = host.engrave(order(1));
    vi.advanceTimersByTime(1000);
    expect(await late).toEqual({ ok: false, reason: 'the engraver ended: it passed its deadline of 1 s' });
    workers[1]!.say({ type: 'ready' });
    workers[1]!.say({ type: 'ready' });
    expect(workers[1]!.alive).toBe(false);
    workers[2]!.say({ type: 'ready' });
    workers[2]!.say(engraved(9));
    expect(workers[2]!.killed).toBe('it answered what nobody asked');
  });

  it('does not time a job that waits for its turn', async () => {
    workers[0]!.say({ type: 'ready' });
    const results = [host.engrave(order(1)), host.engrave(order(2))];
    vi.advanceTimersByTime(900);
    workers[0]!.say(engraved(1));
    vi.advanceTimersByTime(900);
    workers[0]!.say(engraved(2));
    expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }]);
  });

  describe('with several users', () => {
    /** Ids of the jobs that the newest engraver was given. */
    const jobs = () =>
      workers
        .at(-1)!
        .sent.filter(({ message }) => message.type === 'engrave')
        .map(({ message }) => message.id);
    const answer = (ms = 0): void => {
      vi.advanceTimersByTime(ms);
      workers.at(-1)!.say(engraved(jobs().at(-1) as number));
    };

    it('lets the one go first who has had less of its time', () => {
      workers[0]!.say({ type: 'ready' });
      for (const id of [1, 2, 3]) void host.engrave(order(id, 500));
      answer(250);
      void host.engrave(order(4, 501));
      answer(250);
      expect(jobs()).toEqual([1, 2, 4]);
      answer();
      expect(jobs()).toEqual([1, 2, 4, 3]);
    });

    it('stands back for who has had much of its time, unless another waits behind the job', () => {
      workers[0]!.say({ type: 'ready' });
      void host.engrave(order(1, 500));
      answer(900);
      for (const id of [2, 3, 4]) {
        void host.engrave(order(id, 500));
        answer(900);
      }
      void host.engrave(order(5, 500));
      expect(workers.at(-1)!.niceness).toBe(10);
      void host.engrave(order(6, 501));
      expect(workers.at(-1)!.niceness).toBe(0);
      answer();
      answer();
      void host.engrave(order(7, 500));
      expect(workers.at(-1)!.niceness).toBe(10);
    });

    it('lets root go first where they have had the same', () => {
      workers[0]!.say({ type: 'ready' });
      for (const [id, uid] of [1, 2, 3].map((n) => [n, 500 + n] as const)) void host.engrave(order(id, uid));
      void host.engrave(order(4, 0));
      answer();
      expect(jobs()).toEqual([1, 4]);
    });

    it('gives a job less time while others wait, alone or root’s all of it', async () => {
      workers[0]!.say({ type: 'ready' });
      const slow = host.engrave(order(1, 500));
      vi.advanceTimersByTime(200);
      void host.engrave(order(2, 500));
      vi.advanceTimersByTime(200);
      expect(workers[0]!.alive).toBe(true);
      // It has had its time already.
      void host.engrave(order(3, 0));
      vi.advanceTimersByTime(0);
      expect(await slow).toEqual({
        ok: false,
        reason: 'the engraver ended: it passed its deadline of 0.3 s while others waited',
      });
      workers[1]!.say({ type: 'ready' });
      expect(jobs()).toEqual([3]);
      vi.advanceTimersByTime(999);
      expect(workers[1]!.alive).toBe(true);
      vi.advanceTimersByTime(1);
      expect(workers[1]!.killed).toBe('it passed its deadline of 1 s');
    });

    it('makes a fresh engraver for who wants one, and spoils nobody’s job for that', async () => {
      workers[0]!.say({ type: 'ready' });
      const first = host.engrave(order(1, 500));
      const second = host.engrave(order(2, 500), true);
      expect(workers).toHaveLength(1);
      answer();
      expect(await first).toMatchObject({ ok: true });
      expect(workers[0]!.killed).toBe('to be replaced by a fresh one');
      // Whoever comes meanwhile is not the first in it.
      void host.engrave(order(3, 501));
      workers[1]!.say({ type: 'ready' });
      expect(jobs()).toEqual([2]);
      answer();
      expect(await second).toMatchObject({ ok: true });
      expect(jobs()).toEqual([2, 3]);
      expect(workers).toHaveLength(2);
    });

    it('does not replace one that has done nothing', () => {
      workers[0]!.say({ type: 'ready' });
      void host.engrave(order(1), true);
      expect(jobs()).toEqual([1]);
      expect(workers).toHaveLength(1);
    });
  });

  it('takes no descriptor from an engraver', () => {
    const fd = openSync('/dev/null', 'r');
    workers[0]!.say({ type: 'ready' }, [fd]);
    expect(() => fstatSync(fd)).toThrow('EBADF');
  });

  it('fails at once while engravers do not start, and tries again with pauses', async () => {
    const early = host.engrave(order(1));
    workers[0]!.end('it exited with status 1');
    expect(await early).toEqual({ ok: false, reason: 'the engraver does not start: it exited with status 1' });
    expect(await host.engrave(order(2))).toEqual({ ok: false, reason: 'the engraver does not start' });
    vi.advanceTimersByTime(100);
    expect(workers).toHaveLength(2);
    workers[1]!.say({ type: 'ready' });
    const result = host.engrave(order(3));
    workers[1]!.say(engraved(3));
    expect(await result).toMatchObject({ ok: true });
  });

  it('answers everybody when it is closed, and starts no more', async () => {
    workers[0]!.say({ type: 'ready' });
    const results = [host.engrave(order(1)), host.engrave(order(2))];
    host.close();
    for (const result of results) expect(await result).toEqual({ ok: false, reason: 'the daemon is shutting down' });
    vi.advanceTimersByTime(60_000);
    expect(workers).toHaveLength(1);
  });
});

describe('files in messages', () => {
  it('are grouped by number', () => {
    const files = Array.from({ length: 2 * MAX_FDS + 1 }, (_, fd) => opened(fd));
    expect(groupFiles(files).map((group) => group.length)).toEqual([MAX_FDS, MAX_FDS, 1]);
    expect(groupFiles(files).flat()).toEqual(files);
  });

  it('are grouped by the bytes of their names', () => {
    const files = Array.from({ length: 40 }, (_, fd) => ({
      fd,
      file: { device: '0', inode: fd, path: '\n'.repeat(16_000) },
    }));
    const groups = groupFiles(files);
    expect(groups.flat()).toEqual(files);
    for (const group of groups) {
      const message = { type: 'files', id: Number.MAX_SAFE_INTEGER, files: group.map(({ file }) => file) };
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(MAX_MESSAGE);
    }
  });

  it('none are no message', () => {
    expect(groupFiles([])).toEqual([]);
  });
});
