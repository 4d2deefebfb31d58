import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real-programs/**'],
    globalSetup: 'test/requirements.ts',
    pool: 'forks',
    // Bounds for what hangs; a machine under load may take thirty times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
