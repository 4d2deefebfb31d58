import { closeSync, readFileSync, readSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lineBytes, openLineOutput } from '../../../src/daemon/logging/line-output.js';
import { LostLines } from '../../../src/daemon/logging/lost-lines.js';
import { loadAddon } from '../../../src/platform/addon.js';

const O_NONBLOCK = 0o4000;
const addon = loadAddon();
const fds: number[] = [];

afterEach(() => {
  for (const fd of fds.splice(0)) closeSync(fd);
  vi.useRealTimers();
});

function flagsOf(fd: number): number {
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!, 8);
}

const ends = {
  pipe: () => addon.pipe(),
  'stream socket': () => addon.socketPair('stream'),
} as const;

describe.each(Object.entries(ends))('lines to a %s that nobody reads', (_name, make) => {
  it('are refused, never waited for; the descriptor stays a blocking one for those who share it', () => {
    const [reader, writer] = make();
    fds.push(reader, writer);
    const output = openLineOutput(writer);
    let taken = 0;
    while (taken < 10_000 && output.write(`${'x'.repeat(1000)}\n`)) taken++;
    expect(taken).toBeGreaterThan(1);
    expect(taken).toBeLessThan(10_000);
    expect(output.write(`${'x'.repeat(1000)}\n`)).toBe(false);
    expect(flagsOf(writer) & O_NONBLOCK).toBe(0);
    output.close();
  });

  it('are counted, and the number is written when there is room again', () => {
    vi.useFakeTimers();
    const [reader, writer] = make();
    fds.push(reader, writer);
    addon.setNonBlocking(reader, true);
    const output = openLineOutput(writer);
    const lost = new LostLines(
      (line: string) => output.write(line),
      (count) => `${count} lines lost\n`,
    );
    for (let i = 0; i < 10_000; i++) lost.write(`${String(i).padStart(999)}\n`);
    const read = (): string => {
      const parts: Buffer[] = [];
      for (const chunk = Buffer.alloc(1 << 20); ; ) {
        try {
          const length = readSync(reader, chunk);
          if (length === 0) return '';
          parts.push(Buffer.from(chunk.subarray(0, length)));
        } catch {
          return Buffer.concat(parts).toString();
        }
      }
    };
    const kept = read();
    expect(kept.length).toBeLessThan(10_000_000);
    vi.advanceTimersByTime(1000);
    const lines = (kept + read()).split('\n');
    const whole = lines.filter((line) => line.length === 999).length;
    // A short notice may find room where a line did not.
    const told = lines.reduce((sum, line) => sum + Number(/^(\d+) lines lost$/.exec(line)?.[1] ?? 0), 0);
    expect(whole + told).toBe(10_000);
    output.close();
  });
});

it('is tried again ever more rarely where the reader has gone for good', () => {
  vi.useFakeTimers();
  let tries = 0;
  const lost = new LostLines(
    () => {
      tries++;
      return false;
    },
    (count: number) => `${count}`,
  );
  lost.write('line');
  vi.advanceTimersByTime(3_600_000);
  expect(tries).toBeGreaterThan(60);
  expect(tries).toBeLessThan(70);
  lost.close();
  vi.useRealTimers();
});

it('cuts a line at what a pipe takes at once, between characters', () => {
  expect(lineBytes('short\n').toString()).toBe('short\n');
  const cut = lineBytes(`${'\u00e9'.repeat(4000)}\n`);
  expect(cut.length).toBeLessThanOrEqual(4096);
  expect(cut.toString()).toMatch(/^\u00e9+\.\.\.\n$/);
});
