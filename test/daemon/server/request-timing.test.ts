import { expect, it } from 'vitest';
import { StepClock } from '../../../src/daemon/server/request-timing.js';

it('measures the steps, which only go forward', () => {
  let now = 100;
  const clock = new StepClock(() => now);
  now += 0.2;
  clock.enter('policy');
  now += 1.26;
  clock.enter('capture');
  now += 3;
  clock.enter('engrave');
  now += 0.01;
  clock.enter('done');
  expect(clock.summary()).toBe('4.5 ms (policy 1.3, capture 3.0)');
  for (const step of ['capture', 'done', 'accepted'] as const)
    expect(() => clock.enter(step)).toThrow(`step ${step} cannot follow done`);
});
