import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The suites that run in the arm64 guest: an emulated machine, an order of magnitude slower than its host. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  cacheDir: '/tmp/vite',
  test: {
    include: ['test/arm64/*.guest.ts', 'test/ptrace-napi/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
