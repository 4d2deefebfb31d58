import { defineConfig } from 'vitest/config';

// The corpus of real programs: `npm run test:real`. Not part of `npm test`, since it needs gdb, eu-stack and the
// programs.
export default defineConfig({
  test: {
    include: ['test/real-programs/**/*.test.ts'],
    pool: 'forks',
    maxConcurrency: 3,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
