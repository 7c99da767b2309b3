import { BaseCommand } from '../cli/base-command.js';
import { atCommas, boolean, integer, repeatable, string } from '../cli/flags.js';
import { FileError, UsageError } from '../errors.js';

const GITHUB_FILE = '.github/workflows/duo-eval.yml';
const GITLAB_FILE = '.gitlab-ci.yml';

/** What needs no quoting in a shell or in YAML. */
const PLAIN_PATH = /^[A-Za-z0-9_.][\w./-]*$/;

export default class InitCi extends BaseCommand<typeof InitCi> {
  static override summary = 'Write a GitHub or GitLab pipeline that runs a suite and checks its gates.';
  static override description =
    'The pipeline runs the suite in parallel parts, merges them, checks the gates and writes a report. Where there is no suite or gates file yet, a starting one is written too. Existing files are kept; --force replaces the pipeline only. With --throughput, pull or merge requests also time that model against the base branch in one job (bench --against).\n\nFirst the suite is planned and the gates are read, as run --dry-run does it, so that a pipeline which cannot run is not written.';
  static override examples = [
    '<%= config.bin %> init-ci --model models/duo.onnx',
    '<%= config.bin %> init-ci --suite ci/suite.yaml --gates ci/gates.yaml --shards 8',
    '<%= config.bin %> init-ci --throughput models/duo.onnx',
    '<%= config.bin %> init-ci --gitlab --model models/duo.onnx',
  ];

  static override flags = {
    suite: string({ default: 'suite.yaml', summary: 'Suite file.', helpValue: '<file>' }),
    gates: string({ default: 'gates.yaml', summary: 'Gates file.', helpValue: '<file>' }),
    baseline: string({
      default: 'baseline.json',
      summary: 'Results that changes are measured against, if the file exists.',
      helpValue: '<file>',
    }),
    shards: integer({ min: 1, max: 256, default: 3, summary: 'Number of parallel jobs.' }),
    model: repeatable({
      separate: atCommas,
      char: 'm',
      summary: 'Model for a new suite; repeatable.',
      helpValue: '<file.onnx>',
    }),
    dataset: repeatable({
      char: 'd',
      summary: 'Data set for a new suite; repeatable. [default: sotu]',
      helpValue: '<name>',
    }),
    throughput: string({
      summary: 'Model in the repository to time against the base branch.',
      helpValue: '<file.onnx>',
    }),
    'throughput-gates': string({
      default: 'throughput-gates.yaml',
      summary: 'Gates file for --throughput.',
      helpValue: '<file>',
    }),
    gitlab: boolean({ summary: 'Write a pipeline of GitLab instead of a workflow of GitHub.' }),
    out: string({
      char: 'o',
      summary: `File to write. [default: ${GITHUB_FILE}, or ${GITLAB_FILE}]`,
      helpValue: '<file>',
    }),
    force: boolean({ summary: 'Replace an existing pipeline.' }),
    check: boolean({
      default: true,
      allowNo: true,
      summary: 'First check that the suite can run; models that are only there in CI need --no-check.',
    }),
  };

  async run(): Promise<void> {
    const { suite, gates, baseline, shards, model, dataset, force, gitlab } = this.flags;
    const out = this.flags.out ?? (gitlab ? GITLAB_FILE : GITHUB_FILE);
    const throughput =
      this.flags.throughput === undefined
        ? null
        : { model: this.flags.throughput, gates: this.flags['throughput-gates'] };
    for (const path of [suite, gates, baseline, ...Object.values(throughput ?? {})]) checkPlain(path);
    const { existsSync, rmSync } = await import('node:fs');
    const { dirname } = await import('node:path');
    const { replaceFile } = await import('../printing/output.js');
    const { githubWorkflow, starterGates, starterSuite, starterThroughputGates } = await import(
      '../cli/ci/github-workflow.js'
    );
    if (existsSync(out) && !force) {
      throw new FileError({
        code: 'workflow-exists',
        message: `${out} exists already.`,
        hint: gitlab
          ? '--force replaces it; --out writes elsewhere, for the key "include" of your own file.'
          : '--force replaces it; --out writes elsewhere.',
      });
    }
    if (!existsSync(suite) && !model) {
      throw new UsageError({
        code: 'no-suite',
        message: `There is no ${suite}, and no --model to start one with.`,
        hint: 'Name a suite with --suite, or the models of a new one with --model.',
      });
    }
    const missing = new Map<string, string>();
    if (!existsSync(suite)) {
      const { relative } = await import('node:path');
      const beside = (path: string) => relative(dirname(suite), path).replaceAll('\\', '/');
      missing.set(suite, starterSuite(model!.map(beside), dataset ?? ['sotu'])); // without a model it was refused above
    }
    if (!existsSync(gates)) missing.set(gates, starterGates());
    if (throughput && !existsSync(throughput.gates)) missing.set(throughput.gates, starterThroughputGates());
    for (const [path, text] of missing) await replaceFile(path, text);
    try {
      if (this.flags.check) await this.checkThatItRuns([gates, ...(throughput ? [throughput.gates] : [])]);
    } catch (error) {
      for (const path of missing.keys()) rmSync(path, { force: true });
      throw error;
    }
    const { gitlabPipeline } = await import('../cli/ci/gitlab-pipeline.js');
    const pipeline = gitlab ? gitlabPipeline : githubWorkflow;
    await replaceFile(out, pipeline({ suite, gates, baseline, shards, throughput }));
    for (const path of [...missing.keys(), out]) this.print(path);
    if (!(await dependsOnDuoEval()))
      this.note(
        'The pipeline runs the duo-eval that package.json names. It is not in the npm registry: put the tarball that npm ' +
          `pack makes into the repository, and npm install --save-dev --ignore-scripts ./duo-eval-${this.config.version}.tgz`,
      );
  }

  /** Plans the suite, reads the gates and opens what is timed. @throws what running them would, before any cell */
  private async checkThatItRuns(gates: readonly string[]): Promise<void> {
    const { readGates } = await import('../comparison/gate/config.js');
    for (const path of gates) readGates(path);
    const { planSuite, readSuite } = await import('../library/suites.js');
    await planSuite(await readSuite(this.flags.suite), { allowCode: true }, this.observer);
    const { openCheckpoint } = await import('../library/checkpoints.js');
    if (this.flags.throughput !== undefined) await openCheckpoint(this.flags.throughput, {}, this.observer);
  }
}

function checkPlain(path: string): void {
  if (PLAIN_PATH.test(path)) return;
  throw new UsageError({
    code: 'path-not-plain',
    message: `"${path}" cannot stand in a workflow as it is.`,
    hint: 'Give a path in the repository of letters, digits and . _ - /.',
  });
}

async function dependsOnDuoEval(): Promise<boolean> {
  const { readFileSync } = await import('node:fs');
  try {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    return 'duo-eval' in { ...dependencies, ...devDependencies };
  } catch {
    return false;
  }
}
