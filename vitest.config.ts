import { spawnSync } from 'node:child_process';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Two projects, told apart by the name of the file. `fast` is what `npm test` runs: under 5 minutes on two quiet cores.
 * `slow` (`npm run test:slow`) holds the files named *.slow.test.ts: statistical studies, kills, long
 * trainings, documentation examples, browsers, packed installs. `npx vitest run FILE` runs either kind.
 */
const slow = 'test/**/*.slow.test.ts';

/** How much longer than on a quiet machine, where it takes about 50 ms, the start of a process takes: 1 to 20. */
function slowness(): number {
  const starts = [1, 2, 3].map(() => {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - began;
  });
  return Math.min(20, Math.max(1, Math.max(...starts) / 50));
}
process.env.DUO_EVAL_TEST_SLOWNESS ??= slowness().toFixed(2); // read by test/support/patience.ts

/** Files that take a minute or more: they start first, so that no worker is left with one of them at the end. */
const LONG = [
  'examples-run.slow',
  'suites-run-on-slurm',
  'suites-of-all-four-kinds',
  'killed-often',
  'lm-eval-scores',
  'bench-times',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex((name) => moduleId.includes(name));
      return found < 0 ? LONG.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    env: { ORT_DISABLE_TELEMETRY: '1' }, // tests that load the runtime themselves
    maxWorkers: 2,
    // For what hangs alone: no machine is so busy that a test takes this long.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, slow] },
      },
      { extends: true, test: { name: 'slow', include: [slow] } },
    ],
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
