/**
 * The workflow that `init-ci` writes: it runs parts of a suite in parallel, merges their results, checks the gates and
 * writes a report. The steps are duo-eval commands, so the same lines work in any shell.
 */
export interface WorkflowOptions {
  /** Paths in the repository, without characters that are special to a shell or YAML. */
  suite: string;
  gates: string;
  baseline: string;
  /** Parallel jobs. */
  shards: number;
  /** A model whose speed a pull request must not lower, and the gates for the speed ratio. */
  throughput: { model: string; gates: string } | null;
}

/** Steps of every job: install duo-eval from the repository's lock file. */
const INSTALL = `      - uses: actions/setup-node@v4
        with:
          node-version: 20
          cache: npm
      - run: npm ci --ignore-scripts`;

export function githubWorkflow({ suite, gates, baseline, shards, throughput }: WorkflowOptions): string {
  const parts = Array.from({ length: shards }, (_, i) => i + 1).join(', ');
  return `# Written by duo-eval init-ci. Models and data must be in the repository, or be fetched by a step of yours.
name: duo-eval
on:
  pull_request:
  push:
    branches: [main]
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: duo-eval-\${{ github.ref }}
  cancel-in-progress: true

jobs:
  evaluate:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        part: [${parts}]
    env:
      DUO_EVAL_CACHE: .duo-eval-cache
    steps:
      - uses: actions/checkout@v4
        with:
          lfs: true
${INSTALL}
      # Cells that have not changed are not run again.
      - uses: actions/cache@v4
        with:
          path: .duo-eval-cache
          key: duo-eval-\${{ matrix.part }}-\${{ github.sha }}
          restore-keys: duo-eval-\${{ matrix.part }}-
      - run: npx --no-install duo-eval run ${suite} --shard \${{ matrix.part }}/${shards} --out part-\${{ matrix.part }}.json
      - uses: actions/upload-artifact@v4
        with:
          name: part-\${{ matrix.part }}
          path: part-\${{ matrix.part }}.json

  judge:
    needs: evaluate
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
${INSTALL}
      - uses: actions/download-artifact@v4
        with:
          pattern: part-*
          path: parts
          merge-multiple: true
      - run: npx --no-install duo-eval merge parts/part-*.json --out results.json
      - run: npx --no-install duo-eval report results.json --out report.html
      # The baseline is a results.json that you committed; without one, gates may only limit the figures themselves.
      - run: |
          if [ -f ${baseline} ]; then set -- --baseline ${baseline}; else set --; fi
          npx --no-install duo-eval gate --results results.json --config ${gates} --junit gates.xml "$@"
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: duo-eval
          path: |
            results.json
            report.html
            gates.xml
${throughput ? throughputJob(throughput) : ''}`;
}

/** Both builds run in one job, because machines differ. */
function throughputJob({ model, gates }: NonNullable<WorkflowOptions['throughput']>): string {
  return `
  throughput:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          lfs: true
      # The build that the pull request would replace.
      - uses: actions/checkout@v4
        with:
          ref: \${{ github.base_ref }}
          path: base
          lfs: true
${INSTALL}
      # Timed in turn on one machine: its drift hits both. Undecided (exit status 8) asks for more --samples.
      - run: npx --no-install duo-eval bench --model ${model} --against base/${model} --samples 128 --no-memory --out throughput.json
      - run: npx --no-install duo-eval gate --results throughput.json --config ${gates} --junit throughput.xml
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: throughput
          path: |
            throughput.json
            throughput.xml
`;
}

/** Starting point for the gates of the job `throughput`. */
export function starterThroughputGates(): string {
  return `# What duo-eval gate holds the throughput to, that of the base branch being 1.
gates:
  - name: no slower than the base branch
    metric: throughputRatio
    min: 0.9
`;
}

/** Starting point for a suite. */
export function starterSuite(models: readonly string[], datasets: readonly string[]): string {
  const list = (all: readonly string[]) => all.map((one) => `  - ${JSON.stringify(one)}`).join('\n');
  return `# What duo-eval run evaluates; paths are relative to this file.
models:
${list(models)}
datasets:
${list(datasets)}
ppl:
  protocol: duo
  limit: 256
`;
}

/** Starting point for the gates: one that any language model passes, and comments on what to add. */
export function starterGates(): string {
  return `# What duo-eval gate holds results to.
gates:
  - name: better than no model
    metric: bitsPerByte
    max: 8
# With a baseline (a results.json that you commit), limit the change:
#  - name: no worse than the baseline
#    metric: ppl
#    maxIncrease: 1%
# Machines differ in speed, so it is gated in a job of its own: duo-eval init-ci --throughput model.onnx
`;
}
