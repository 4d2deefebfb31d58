import { describe, expect, it } from 'vitest';
import { pickNext } from '../../../src/daemon/scheduling/fair-queue.js';

const waiting = (...uids: number[]) => uids.map((uid, order) => ({ uid, order }));
const running = (counts: Record<number, number> = {}) =>
  new Map(Object.entries(counts).map(([uid, count]) => [Number(uid), count]));

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
    expect(pickNext(waiting(...uids), running(counts), places)?.order ?? null).toBe(expected);
  });

  it('the user first who has had less time', () => {
    const spent = (uid: number): number => ({ 7: 20, 8: 3 })[uid] ?? 0;
    const next = (...uids: number[]) => pickNext(waiting(...uids), running(), 4, spent)?.uid;
    expect(next(7, 8)).toBe(8);
    expect(next(7, 8, 9)).toBe(9);
    expect(next(7, 9, 0)).toBe(0);
    // Of two who wait for the same, time counts only where their requests under way are as many.
    expect(pickNext(waiting(7, 8), running({ 8: 1 }), 4, spent)?.uid).toBe(7);
  });
});
