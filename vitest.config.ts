import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    env: { ORT_DISABLE_TELEMETRY: '1' }, // tests that load the runtime themselves
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      // What reads files of others: data sets, models, and results; not what draws, packs and prints, nor what makes graphs.
      include: [
        'src/datasets/**',
        'src/graph/**',
        'src/records/*.ts',
        'src/comparison/*.ts',
        'src/strict-json.ts',
      ],
      exclude: [
        'src/datasets/packed-tokens.ts',
        'src/graph/differentiate/**',
        'src/graph/{fix-axes,packed-weights,projected-rows,row-blocks}.ts',
      ],
      reporter: ['text'],
      thresholds: { lines: 95 },
    },
  },
});
