/** Of `npm run test:real-handlers`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/real-programs/*.real.ts'], pool: 'forks', testTimeout: 300_000, hookTimeout: 120_000 },
});
