import { closeSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseMounts } from '../../src/platform/mount-info.js';
import { loadTracingAddon } from '../../src/platform/ptrace.js';
import { abortText } from '../../src/tracer/capture/abort-message.js';
import { lastLines, readLogTails } from '../../src/tracer/capture/log-tails.js';
import { openPerfMap, readPerfMap } from '../../src/tracer/capture/perf-map.js';
import { faultAddress } from '../../src/tracer/capture/siginfo.js';
import { Losses } from '../../src/tracer/failure.js';
import { countCpus } from '../../src/tracer/write/system-info.js';

const addon = loadTracingAddon();
const dir = mkdtempSync(join(tmpdir(), 'debuggerd-tracer-texts-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('texts of the target and of the machine', () => {
  it('the abort message begins after its size word and ends at a NUL', () => {
    const bytes = Buffer.from('\x10\0\0\0\0\0\0\0why\0rest', 'latin1');
    expect(Buffer.from(abortText(bytes, 8)).toString()).toBe('why');
    expect(Buffer.from(abortText(bytes.subarray(4), 4)).toString()).toBe('why');
    expect(abortText(bytes.subarray(0, 5), 8)).toHaveLength(0);
    expect(Buffer.from(abortText(Buffer.from('12345678no end'), 8)).toString()).toBe('no end');
  });

  it('si_addr is there when the kernel raised the signal', () => {
    const siginfo = Buffer.alloc(128);
    siginfo.writeBigUInt64LE(0xdead0n, 16);
    expect(faultAddress(siginfo)).toBeNull();
    siginfo.writeInt32LE(-6, 8);
    expect(faultAddress(siginfo)).toBeNull();
    siginfo.writeInt32LE(1, 8);
    expect(faultAddress(siginfo)).toBe(0xdead0n);
  });

  it('counts CPUs', () => {
    expect(['0', '0-3', '0-1,4,6-7', '', 'x', '3-1'].map(countCpus)).toEqual([1, 4, 5, 0, 0, 0]);
  });

  it('takes the last whole lines of a log', () => {
    expect(lastLines(Buffer.from('a\nb\nc'))).toEqual(['a', 'b', 'c']);
    expect(lastLines(Buffer.from(''))).toEqual([]);
    expect(lastLines(Buffer.from('x'.repeat(5000)))[0]).toHaveLength(1024);
    const losses = new Losses();
    writeFileSync(join(dir, 'log'), `${'y'.repeat(70_000)}\nlast\n`);
    expect(readLogTails([join(dir, 'log'), '/dev/null', join(dir, 'none')], losses)).toEqual([
      { name: 'log', lines: ['last'] },
    ]);
    expect(losses.list.map(({ message }) => message)).toEqual([
      '/dev/null: not a regular file',
      `${join(dir, 'none')}: ENOENT`,
    ]);
  });

  it('takes a perf map of the right owner only, in whole lines', () => {
    const path = `/tmp/perf-${process.pid}.map`;
    const root = addon.openPath('/proc/self/root');
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'latin1'));
    writeFileSync(path, '10 20 one\n30 40 two\n50');
    try {
      expect(openPerfMap(addon, root, mounts, process.pid, process.getuid!() + 1)).toBe(-1);
      const open = () => openPerfMap(addon, root, mounts, process.pid, process.getuid!());
      // Mounts that a process may serve are not looked into: FUSE, an overlay of another mount namespace, one that is
      // not listed.
      for (const type of ['fuse.sshfs', 'overlay']) {
        const served = new Map([...mounts.keys()].map((id) => [id, { device: '00:ffff', type }]));
        expect(openPerfMap(addon, root, served, process.pid, process.getuid!())).toBe(-1);
      }
      expect(openPerfMap(addon, root, new Map(), process.pid, process.getuid!())).toBe(-1);
      const losses = new Losses();
      expect(readPerfMap(open(), 1 << 20, losses).toString()).toBe('10 20 one\n30 40 two\n');
      expect(losses.list).toEqual([]);
      expect(readPerfMap(open(), 12, losses).toString()).toBe('10 20 one\n');
      expect(readPerfMap(open(), 0, losses)).toHaveLength(0);
      expect(losses.list).toHaveLength(2);
      expect(readPerfMap(-1, 12, losses)).toHaveLength(0);
    } finally {
      unlinkSync(path);
    }
    symlinkSync(join(dir, 'log'), path);
    expect(openPerfMap(addon, root, mounts, process.pid, process.getuid!())).toBe(-1);
    unlinkSync(path);
    closeSync(root);
  });
});
