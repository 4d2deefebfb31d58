import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Received } from '../../src/tracer/channel.js';
import { awaitRelease } from '../../src/tracer/hold.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const closed: number[] = [];
const addon = { closeFd: (fd: number) => closed.push(fd) };

/** A channel with these messages, each after `ms` of waiting; then the wait is as long as the caller allows. */
function channelWith(messages: readonly object[], ms = 0) {
  const waits: number[] = [];
  const left = [...messages];
  return {
    waits,
    receive(timeoutMs: number): Received | null {
      waits.push(timeoutMs);
      const message = left.shift();
      vi.advanceTimersByTime(message === undefined ? timeoutMs : Math.min(ms, timeoutMs));
      return message === undefined ? null : ({ message, fds: [7, 8] } as unknown as Received);
    },
  };
}

it.each([
  [{ memory: true }, true],
  [{ memory: false }, false],
  [{}, false],
])('ends with the release %j of the capture', (words, sent) => {
  expect(awaitRelease(addon as never, channelWith([{ type: 'release', id: 3, ...words }]), 3)).toBe(sent);
});

it('goes on for other messages, and keeps no descriptor of them', () => {
  closed.length = 0;
  const others = [
    { type: 'release', id: 2, memory: true },
    { type: 'capture', id: 3 },
  ];
  expect(awaitRelease(addon as never, channelWith([...others, { type: 'release', id: 3, memory: true }]), 3)).toBe(
    true,
  );
  expect(closed).toEqual([7, 8, 7, 8, 7, 8]);
});

it('ends after thirty seconds where the daemon says nothing', () => {
  const channel = channelWith([]);
  expect(awaitRelease(addon as never, channel, 3)).toBe(false);
  expect(channel.waits).toEqual([30_000]);
});

it('ends after thirty seconds where the daemon says other things without end', () => {
  const channel = channelWith(
    Array.from({ length: 1000 }, () => ({ type: 'release', id: 2 })),
    1000,
  );
  expect(awaitRelease(addon as never, channel, 3)).toBe(false);
  expect(channel.waits).toEqual(Array.from({ length: 30 }, (_, second) => (30 - second) * 1000));
});
