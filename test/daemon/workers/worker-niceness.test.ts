import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { mayRenice } from '../../../src/daemon/scheduling/niceness.js';
import { startPrivileged, type Worker } from '../../../src/daemon/workers/worker.js';

const dir = mkdtempSync(join(tmpdir(), 'debuggerd-nice-'));
let worker: Worker | undefined;
afterEach(async () => {
  worker?.kill('the test is over');
  rmSync(dir, { recursive: true, force: true });
});

it('a worker stands back when it is told to, and comes forward again', ({ skip }) => {
  skip(!mayRenice(), 'needs CAP_SYS_NICE: a nice value cannot be lowered again without it');
  const path = join(dir, 'worker.cjs');
  writeFileSync(path, 'setInterval(() => {}, 1000);');
  worker = startPrivileged(path, { message: () => {}, ended: () => {} });
  const usual = getPriority();
  expect(getPriority(worker.pid)).toBe(usual);
  worker.renice(10);
  expect(getPriority(worker.pid)).toBe(10);
  worker.renice(0);
  expect(getPriority(worker.pid)).toBe(0);
});
