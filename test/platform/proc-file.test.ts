import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readProcFile } from '../../src/platform/proc-file.js';
import { countTasks, readTaskIds, readTaskName } from '../../src/platform/proc-tasks.js';

const dir = mkdtempSync(join(tmpdir(), 'debuggerd-proc-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('readProcFile', () => {
  it('reads files that say they are empty, whole', () => {
    const file = readProcFile('/proc/self/maps', 1 << 20);
    expect(file).toMatchObject({ ok: true, truncated: false });
    expect(file.ok && file.bytes.toString().split('\n')[0]).toBe(
      readFileSync('/proc/self/maps', 'utf8').split('\n')[0],
    );
  });

  it('reads as much as allowed, and says when there is more', () => {
    const path = join(dir, 'file');
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i & 0xff));
    writeFileSync(path, content);
    for (const limit of [0, 1, 4096, 65_535, 65_536, 65_537, 199_999, 200_000, 200_001, 1 << 20]) {
      const file = readProcFile(path, limit);
      expect(file.ok && file.bytes.equals(content.subarray(0, limit))).toBe(true);
      expect(file).toMatchObject({ truncated: limit < content.length });
    }
  });

  it('gives each caller bytes of its own', () => {
    const first = readProcFile('/proc/self/comm', 64);
    const before = first.ok && first.bytes.toString();
    readProcFile('/proc/self/status', 4096);
    expect(first.ok && first.bytes.toString()).toBe(before);
  });

  it('answers with the error where there is none, or a link', () => {
    symlinkSync('/proc/self/comm', join(dir, 'link'));
    expect(readProcFile(join(dir, 'absent'), 10)).toEqual({ ok: false, code: 'ENOENT' });
    expect(readProcFile(join(dir, 'link'), 10)).toEqual({ ok: false, code: 'ELOOP' });
    expect(readProcFile(dir, 10)).toEqual({ ok: false, code: 'EISDIR' });
  });
});

describe('the threads of a process', () => {
  it('are listed and counted', () => {
    const tids = readTaskIds(process.pid);
    expect(tids).toContain(process.pid);
    expect(tids).toEqual([...tids].sort((a, b) => a - b));
    expect(countTasks(process.pid)).toBe(tids.length);
  });

  it('have names', () => {
    expect(readTaskName(process.pid, process.pid)).toBe(readFileSync('/proc/self/comm', 'utf8').slice(0, -1));
    expect(readTaskName(process.pid, 1)).toBeNull();
  });

  it('are none when it is gone', () => {
    expect(readTaskIds(2 ** 31 - 1)).toEqual([]);
    expect(countTasks(2 ** 31 - 1)).toBe(-1);
  });
});
