import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/arch/index.js';
import { loadTracingAddon } from '../../../src/platform/ptrace.js';
import { MemoryCopy } from '../../../src/tracer/capture/memory-copy.js';
import { planForMany } from '../../../src/tracer/warm-up/made-up-threads.js';
import type { CaptureJob } from '../../../src/wire/job.js';

describe('the plan for a process of many threads', () => {
  it.each(['x86_64', 'arm64'] as const)('asks for the stack of each (%s)', (name) => {
    const addon = loadTracingAddon();
    const asked: number[] = [];
    const readMemoryRanges: typeof addon.readMemoryRanges = (_tid, addresses, lengths) => {
      asked.push(addresses.length);
      expect(lengths.every((length) => length >= 4096 && length < 8192)).toBe(true);
      return 0;
    };
    const memory = new MemoryCopy({ ...addon, readMemoryRanges });
    planForMany(addon, memory, byName(name), {
      kind: 'backtrace',
      tid: process.pid,
      abortMessageAddress: 0,
      limits: { stackBytes: 65_536, dumpBytes: 16 * 1024 * 1024 },
    } as CaptureJob);
    expect(new Set(asked)).toEqual(new Set([1000]));
  });
});
