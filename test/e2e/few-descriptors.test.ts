/** A daemon that may have few descriptors: requests wait instead of being lost. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { program, startDaemon } from './daemon.js';
import { start } from './target.js';

it('makes a report of every crash', async () => {
  const daemon = await startDaemon({}, { descriptors: 64 });
  try {
    const targets = Array.from({ length: 4 }, (_, i) => start(i % 2 ? 'null-write' : 'cxx-exception', [], { daemon }));
    for (const target of targets) {
      const { text } = await daemon.tombstoneOf(target.pid);
      expect(text).toContain('\nbacktrace:\n');
      await target.ended;
    }
    expect(daemon.log()).not.toMatch(/EMFILE|descriptor is free|are not looked into/);
  } finally {
    await daemon.stop();
  }
});

it('does not start where not a single request could be served, and says how many are needed', () => {
  const { status, stderr } = spawnSync('/bin/sh', ['-c', 'ulimit -n 40 && exec "$0" --socket debuggerd-few', program], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^debuggerd: at most 40 descriptors \(RLIMIT_NOFILE\): at least \d\d are needed/);
});
