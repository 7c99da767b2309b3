import { BaseCommand } from '../cli/base-command.js';
import { atCommas, boolean, integer, repeatable, string } from '../cli/flags.js';
import { FileError, UsageError } from '../errors.js';

/** What needs no quoting in a shell or in YAML. */
const PLAIN_PATH = /^[A-Za-z0-9_.][\w./-]*$/;

export default class InitCi extends BaseCommand<typeof InitCi> {
  static override summary = 'Write a GitHub workflow that runs a suite and checks its gates.';
  static override description =
    'The workflow runs the suite in parallel parts, merges them, checks the gates and writes a report. Where there is no suite or gates file yet, a starting one is written too. Existing files are kept; --force replaces the workflow only. With --throughput, pull requests also time that model against the base branch in one job (bench --against).';
  static override examples = [
    '<%= config.bin %> init-ci --model models/duo.onnx',
    '<%= config.bin %> init-ci --suite ci/suite.yaml --gates ci/gates.yaml --shards 8',
    '<%= config.bin %> init-ci --throughput models/duo.onnx',
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
    out: string({
      char: 'o',
      default: '.github/workflows/duo-eval.yml',
      summary: 'Workflow file to write.',
      helpValue: '<file>',
    }),
    force: boolean({ summary: 'Replace an existing workflow.' }),
  };

  async run(): Promise<void> {
    const { suite, gates, baseline, shards, model, dataset, out, force } = this.flags;
    const throughput =
      this.flags.throughput === undefined
        ? null
        : { model: this.flags.throughput, gates: this.flags['throughput-gates'] };
    for (const path of [suite, gates, baseline, ...Object.values(throughput ?? {})]) checkPlain(path);
    const { existsSync } = await import('node:fs');
    const { dirname } = await import('node:path');
    const { replaceFile } = await import('../printing/output.js');
    const { githubWorkflow, starterGates, starterSuite, starterThroughputGates } = await import(
      '../cli/ci/github-workflow.js'
    );
    if (existsSync(out) && !force) {
      throw new FileError({
        code: 'workflow-exists',
        message: `${out} exists already.`,
        hint: '--force replaces it; --out writes elsewhere.',
      });
    }
    if (!existsSync(suite) && !model) {
      throw new UsageError({
        code: 'no-suite',
        message: `There is no ${suite}, and no --model to start one with.`,
        hint: 'Name a suite with --suite, or the models of a new one with --model.',
      });
    }
    const write = async (path: string, text: string) => {
      await replaceFile(path, text);
      this.print(path);
    };
    if (!existsSync(suite)) {
      const { relative } = await import('node:path');
      const beside = (path: string) => relative(dirname(suite), path).replaceAll('\\', '/');
      await write(suite, starterSuite(model!.map(beside), dataset ?? ['sotu'])); // without a model it was refused above
    }
    if (!existsSync(gates)) await write(gates, starterGates());
    if (throughput && !existsSync(throughput.gates)) await write(throughput.gates, starterThroughputGates());
    await write(out, githubWorkflow({ suite, gates, baseline, shards, throughput }));
    if (!(await dependsOnDuoEval()))
      this.note(
        'The workflow runs the duo-eval that package.json names. It is not in the npm registry: put the tarball that npm ' +
          `pack makes into the repository, and npm install --save-dev --ignore-scripts ./duo-eval-${this.config.version}.tgz`,
      );
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
