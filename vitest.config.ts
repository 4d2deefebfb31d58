import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Rooms that no process, signal or setting of the system takes part in: their test files share a process, which saves
 * its start.
 */
const pure = ['arch', 'bytes', 'coredump', 'linux', 'minidump', 'objects', 'report', 'symbols', 'unwind', 'wire'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Tests wait for processes more than they compute: vitest would leave one processor idle.
    maxWorkers: Math.max(2, availableParallelism()),
    // Bounds for what hangs; a machine under load may take thirty times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: 'processes',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, 'test/real-programs/**'],
          globalSetup: 'test/requirements.ts',
        },
      },
    ],
  },
});
