import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RefusalLog } from '../../../src/daemon/policy/refusal-log.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('writes the first refusals of a second and counts the rest', () => {
  const lines: string[] = [];
  const refusals = new RefusalLog({ warn: (line) => lines.push(line) });
  for (let i = 0; i < 1000; i++) refusals.write(`refusal ${i}`);
  expect(lines).toEqual(Array.from({ length: 10 }, (_, i) => `refusal ${i}`));
  vi.advanceTimersByTime(1000);
  expect(lines.at(-1)).toBe('990 more requests were refused');
  refusals.write('of the next second');
  expect(lines.at(-1)).toBe('of the next second');
  vi.advanceTimersByTime(1000);
  expect(lines).toHaveLength(12);
});

it('counts for each user apart, so that one hides no line of another, and leaves out none of root', () => {
  const lines: string[] = [];
  const refusals = new RefusalLog({ warn: (line) => lines.push(line) });
  for (let i = 0; i < 100; i++) refusals.write(`of 500: ${i}`, 500);
  refusals.write('of 501', 501);
  for (let i = 0; i < 20; i++) refusals.write(`of root: ${i}`, 0);
  expect(lines).toHaveLength(31);
  expect(lines).toContain('of 501');
  vi.advanceTimersByTime(1000);
  expect(lines.slice(31)).toEqual(['90 more requests of uid 500 were refused']);
});
