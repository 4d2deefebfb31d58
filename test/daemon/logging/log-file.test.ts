import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../../src/daemon/log.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'log-file-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('appends to a file, and to a new one of the same name after a rotation', async () => {
  const file = join(dir, 'log');
  const log = await openLog({ level: 'info', targets: [], file });
  log.info('before');
  renameSync(file, `${file}.1`);
  log.info('while it is renamed');
  log.reopen();
  log.info('after');
  log.close();
  expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/info: before\n.*info: while it is renamed\n$/);
  expect(readFileSync(file, 'utf8')).toMatch(/^\S+ info: after\n$/);
});

it('follows no link, and keeps the old file where the new one cannot be opened', async () => {
  const file = join(dir, 'log');
  const log = await openLog({ level: 'info', targets: [], file });
  renameSync(file, `${file}.1`);
  symlinkSync('/dev/null', file);
  log.reopen();
  log.info('still here');
  log.close();
  expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/error: cannot open the log file .*\n.*still here\n$/);
  await expect(openLog({ level: 'info', targets: [], file })).rejects.toThrow('cannot open the log file');
});
