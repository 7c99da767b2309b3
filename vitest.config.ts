import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      // The rooms that read what others wrote.
      include: ['src/datasets/**', 'src/graph/**', 'src/results/**'],
      reporter: ['text'],
      thresholds: { lines: 95 },
    },
  },
});
