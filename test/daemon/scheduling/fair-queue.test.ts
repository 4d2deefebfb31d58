import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../src/daemon/scheduling/fair-queue.js';

interface Request {
  readonly uid: number;
  readonly order: number;
  readonly again?: boolean;
}

function queue(uids: readonly number[], places: number, running: Record<number, number> = {}): FairQueue<Request> {
  const made = new FairQueue<Request>(places);
  for (const [order, uid] of uids.entries()) made.push({ uid, order });
  for (const [uid, count] of Object.entries(running)) for (let i = 0; i < count; i++) made.begin(Number(uid));
  return made;
}

describe('queue', () => {
  it.each<[string, number[], Record<number, number>, number, number | null]>([
    ['first come, first served', [7, 8, 7], {}, 4, 0],
    ['the user with fewer under way first', [7, 7, 8], { 7: 1 }, 4, 2],
    ['root in the order of its count too', [0, 7], { 0: 2 }, 4, 1],
    ['root first, where nothing else tells them apart', [7, 0], {}, 4, 1],
    ['a user leaves two places', [7], { 7: 2 }, 4, null],
    ['another user takes one of them', [7, 7, 9], { 7: 2 }, 4, 2],
    ['root may take all', [0], { 0: 3 }, 4, 0],
    ['users together leave the last one', [7, 8, 9, 10], { 7: 1, 8: 1, 9: 1 }, 4, null],
    ['to root', [7, 8, 9, 10, 0], { 7: 1, 8: 1, 9: 1 }, 4, 4],
    ['a single place is for everybody', [7], {}, 1, 0],
    ['of two places one is left', [7], { 7: 1 }, 2, null],
    ['nobody waits', [], {}, 4, null],
  ])('%s', (_name, uids, counts, places, expected) => {
    expect(queue(uids, places, counts).next()?.order ?? null).toBe(expected);
  });

  it('the user first who has had less time', () => {
    const next = (uids: number[], running: Record<number, number> = {}): number | undefined => {
      const made = queue(uids, 4, running);
      made.spend(7, 2000);
      made.spend(8, 300);
      return made.next()?.uid;
    };
    expect(next([7, 8])).toBe(8);
    expect(next([7, 8, 9])).toBe(9);
    expect(next([7, 9, 0])).toBe(0);
    // Of two who wait for the same, time counts only where their requests under way are as many.
    expect(next([7, 8], { 8: 1 })).toBe(7);
  });

  it('first tries before second ones, of those who have had the same', () => {
    const made = new FairQueue<Request>(1);
    made.push({ uid: 0, order: 0, again: true });
    made.push({ uid: 7, order: 1 });
    expect(made.next()?.order).toBe(1);
    made.spend(7, 500);
    expect(made.next()?.order).toBe(0);
  });

  it('only who may, for reasons of the caller; who is asked once for each user', () => {
    const made = queue([7, 8, 7, 8], 4);
    const asked: number[] = [];
    const may = (uid: number): boolean => {
      asked.push(uid);
      return uid === 8;
    };
    expect(made.next(may)?.order).toBe(1);
    expect(asked).toEqual([7, 8]);
  });

  it('counts what is under way, and forgets what is not', () => {
    const made = queue([7], 2, { 7: 1, 0: 3 });
    expect([made.runningOfUsers, made.hasPlace(7), made.next()]).toEqual([1, false, null]);
    made.end(7);
    expect([made.runningOfUsers, made.hasPlace(7), made.next()?.uid]).toEqual([0, true, 7]);
  });
});
