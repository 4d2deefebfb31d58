import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const allOf = (...rooms: string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);

/** Tests that start no process. */
const pure = allOf('arch', 'bytes', 'coredump', 'linux', 'minidump', 'objects', 'report', 'symbols', 'unwind', 'wire');
/** Tests that count what their own process does, or that put another module in the place of one of ours. */
const alone = [...allOf('bench'), 'test/daemon/workers/worker.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // Tests wait for processes more than they compute: vitest would leave one processor idle.
    maxWorkers: Math.max(2, availableParallelism()),
    // Test files share processes: to start one for each takes longer than most of them do.
    isolate: false,
    // Bounds for what hangs; a machine under load may take thirty times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'pure', include: pure } },
      { extends: true, test: { name: 'alone', include: alone, isolate: true } },
      {
        extends: true,
        test: {
          name: 'processes',
          include: allOf('**'),
          exclude: [...pure, ...alone, 'test/real-programs/**'],
          globalSetup: 'test/requirements.ts',
        },
      },
    ],
  },
});
