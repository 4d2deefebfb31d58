import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseProcStat, readTaskStat } from '../../src/platform/proc-stat.js';

const rest = 'S 1 2 3 0 -1 4194304 10 20 30 40 111 222 5 6 20 -5 4 0 12345 999 88 18446744073709551615';

describe('parseProcStat', () => {
  it('reads name, state and times', () => {
    expect(parseProcStat(`42 (cat) ${rest}\n`)).toEqual({
      name: 'cat',
      state: 'S',
      userTicks: 111,
      kernelTicks: 222,
      nice: -5,
      startTicks: 12345,
      arguments: { start: 0, end: 0 },
      environment: { start: 0, end: 0 },
    });
  });

  it('reads where arguments and environment are, as this process has them', () => {
    const { arguments: given, environment } = readTaskStat(process.pid, process.pid)!;
    const { start, end } = environment;
    expect(given.start).toBeGreaterThan(0);
    expect(given.end).toBeGreaterThan(given.start);
    expect(given.end).toBeLessThanOrEqual(start);
    const [stack] = /^([0-9a-f]+)-([0-9a-f]+) .*\[stack\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'))!.slice(2);
    expect(start).toBeGreaterThan(0);
    expect(end).toBeGreaterThanOrEqual(start);
    expect(end).toBeLessThan(Number.parseInt(stack!, 16));
    expect(parseProcStat(`42 (cat) ${rest} ${'0 '.repeat(24)}9 7 0\n`)!.environment).toEqual({ start: 0, end: 0 });
  });

  it('is not led astray by a name', () => {
    expect(parseProcStat(`42 (a) Z 1 (b) ${rest}`)).toMatchObject({ name: 'a) Z 1 (b', state: 'S', startTicks: 12345 });
  });

  it.each([
    '',
    '42',
    '42 (cat',
    '42 cat) S',
    ')42(',
    `42 (cat) ${rest.slice(0, 30)}`,
    '42 (cat) ? 1 2',
    `42 (cat) S ${'x '.repeat(30)}`,
  ])('refuses %j', (text) => {
    expect(parseProcStat(text)).toBeNull();
  });

  it('survives a cut at every byte', () => {
    const whole = `42 (cat) ${rest}`;
    for (let length = 0; length < whole.indexOf(' 12345'); length++)
      expect(parseProcStat(whole.slice(0, length))).toBeNull();
  });
});

describe('readTaskStat', () => {
  it('reads this process', () => {
    expect(readTaskStat(process.pid, process.pid)).toMatchObject({
      name: readFileSync('/proc/self/comm', 'latin1').trimEnd(),
      nice: 0,
    });
  });

  it('answers null for a thread that the process has not', () => {
    expect(readTaskStat(process.pid, 1)).toBeNull();
    expect(readTaskStat(2 ** 31 - 1, 2 ** 31 - 1)).toBeNull();
  });
});
