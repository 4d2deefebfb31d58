import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecentUse } from '../../../src/daemon/scheduling/recent-use.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('spent time', () => {
  it('adds up for each user, and is none below a tenth of a second', () => {
    const spent = new RecentUse();
    for (let i = 0; i < 3; i++) spent.add(500, 90);
    spent.add(501, 99);
    expect([spent.of(500), spent.of(501), spent.of(502)]).toEqual([2, 0, 0]);
  });

  it('halves every ten seconds', () => {
    const spent = new RecentUse();
    spent.add(500, 8000);
    vi.advanceTimersByTime(10_000);
    expect(spent.of(500)).toBe(40);
    spent.add(500, 4000);
    vi.advanceTimersByTime(20_000);
    expect(spent.of(500)).toBe(20);
  });

  it('remembers a bounded number of users, those with the most', () => {
    const spent = new RecentUse();
    spent.add(7, 60_000);
    for (let uid = 100_000; uid < 102_000; uid++) spent.add(uid, 200);
    expect(spent.of(7)).toBe(600);
    expect(spent.of(101_999)).toBe(2);
    expect(spent.of(100_000)).toBe(0);
  });
});
