import { describe, expect, it } from 'vitest';
import { pickNext } from '../../src/daemon/queue.js';

const waiting = (...uids: number[]) => uids.map((uid, order) => ({ uid, order }));
const running = (counts: Record<number, number> = {}) =>
  new Map(Object.entries(counts).map(([uid, count]) => [Number(uid), count]));

describe('queue', () => {
  it.each<[string, number[], Record<number, number>, number, number | null]>([
    ['first come, first served', [7, 8, 7], {}, 4, 0],
    ['the user with fewer under way first', [7, 7, 8], { 7: 1 }, 4, 2],
    ['root in the order of its count too', [0, 7], { 0: 2 }, 4, 1],
    ['a user does not take the last place', [7], { 7: 3 }, 4, null],
    ['root may', [0], { 0: 3 }, 4, 0],
    ['another user takes it', [7, 7, 9], { 7: 3 }, 4, 2],
    ['a single place is for everybody', [7], {}, 1, 0],
    ['of two places one is left', [7], { 7: 1 }, 2, null],
    ['nobody waits', [], {}, 4, null],
  ])('%s', (_name, uids, counts, places, expected) => {
    expect(pickNext(waiting(...uids), running(counts), places)?.order ?? null).toBe(expected);
  });
});
