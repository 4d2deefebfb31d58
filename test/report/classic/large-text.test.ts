import { describe, expect, it } from 'vitest';
import type { Memory } from '../../../src/bytes/memory.js';
import { renderBacktrace } from '../../../src/report/classic/backtrace.js';
import { renderTombstone } from '../../../src/report/classic/tombstone.js';
import type { ThreadReport } from '../../../src/report/model/report.js';
import { frame, map, registers, report, thread, x86_64 } from '../build-report.js';

const MIB = 1024 * 1024;
const NAME = 'n'.repeat(1024);
/** Every word reads as an address in the first mapping. */
const pointers: Memory = {
  read(_address, into) {
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at + 8 <= into.length; at += 8) view.setBigUint64(at, 0x400010n, true);
    return into.length;
  },
};
const threadOf = (tid: number): ThreadReport =>
  thread({
    tid,
    registers: registers(x86_64, { rip: 0x401136n }),
    frames: Array.from({ length: 61 }, (_, i) =>
      frame({ sp: 0x7ffe0000 + i * 256, functionName: NAME, functionOffset: i }),
    ),
  });
const large = report({
  threads: Array.from({ length: 1000 }, (_, i) => threadOf(100 + i)),
  maps: [
    map({ name: '/first' }),
    ...Array.from({ length: 60_000 }, (_, i) =>
      map({ start: 0x10000000 + i * 0x2000, end: 0x10001000 + i * 0x2000, name: `/${'m'.repeat(200)}` }),
    ),
    map({ start: 0x700000000000, end: 0x700000001000, name: '/last' }),
  ],
  memory: pointers,
  functionAt: () => ({ name: NAME, offset: 4 }),
});

describe('a report of 1000 threads of 61 frames with names of 1 KB', () => {
  const text = renderTombstone(large);
  const [first = '', ...siblings] = text.split(/^(?:--- ?){16}$/m);

  it('is bounded', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(32 * MIB);
    expect(Buffer.byteLength(renderBacktrace(large))).toBeLessThan(32 * MIB);
  });

  it('has all frames and all stack words of the crashed thread', () => {
    expect(first.match(/^ {4}#\d\d pc /gm)).toHaveLength(61);
    // Of 61 frames each with 32 words of its own, 16 are shown; 16 more come before the first.
    expect(first.match(/^.{9}0000\w{12} {2}\w{16} {2}\/first/gm)).toHaveLength(62 * 16);
  });

  it('has every sibling with its registers and as many frames as fit, and says how many more there are', () => {
    expect(siblings).toHaveLength(999);
    for (const sibling of siblings) {
      const shown = sibling.match(/^ {4}#\d\d pc /gm)?.length ?? 0;
      expect(shown).toBeGreaterThan(10);
      expect(sibling).toContain(' rip 0000000000401136 ');
      expect(sibling).toContain(`    (${61 - shown} more frames are left out)\n`);
      expect(sibling).toContain("    (61 more frames' stacks are left out)\n");
    }
  });

  it('shortens the memory map and counts what is missing', () => {
    const shown = first.match(/ {2}\/(?:first|last|m+)$/gm)?.length ?? 0;
    expect(first).toContain(`    (${60_002 - shown} more mappings are left out)\n`);
  });

  it('has the whole requested thread in a backtrace, and a part of each other', () => {
    const [, requested = '', ...others] = renderBacktrace(large).split(/^"/m);
    expect(requested.match(/^ {2}#\d\d pc /gm)).toHaveLength(61);
    expect(others).toHaveLength(999);
    for (const other of others) expect(other).toMatch(/ {2}#05 pc [\s\S]*\n {4}\(\d+ more frames are left out\)/);
  });
});

it('keeps the mapping of the fault address and those of the frames, however far back', () => {
  const far = report({
    ...large,
    threads: [thread({ frames: [frame({ mapStart: 0x10000000 + 50_000 * 0x2000 })] })],
    signal: { number: 11, code: 1, faultAddress: 0x700000000010n, senderPid: null, senderUid: null },
  });
  const text = renderTombstone(far);
  expect(text).toMatch(/--->00007000'00000000-.*\/last/);
  expect(text).toContain(`    00000000'${(0x10000000 + 50_000 * 0x2000).toString(16)}-`);
  expect(text.match(/more mappings are left out/g)).toHaveLength(2);
});

it('counts the threads for which there is no room at all', () => {
  const threads = Array.from({ length: 10_000 }, (_, i) => thread({ tid: i, name: 'n'.repeat(4000) }));
  const text = renderTombstone(report({ threads }));
  expect(Buffer.byteLength(text)).toBeLessThan(32 * MIB);
  const shown = text.match(/^pid: /gm)!.length;
  expect(text).toContain(`(${10_000 - shown} more threads are left out)`);
});
