import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Run a suite of evaluations (ppl, gen, bench, frontier) from a file.';
  static override description =
    `A cell is one evaluation, such as ppl of one model on one data set with one seed. Finished cells are kept in the cache under everything that decides their figures: a run that was stopped continues, and a cell that has not changed is not run again, in this suite or another. bench has one cell per seed, because its configurations are timed in turn, and is run again on another machine.

--shard i/n runs every n-th cell, for an array of jobs; duo-eval merge joins the parts.

--dry-run estimates the time from cells that are kept; for other models it evaluates a few sequences, or samples for some seconds, and discards them. A ? marks what is unknown.`;
  static override examples = [
    '<%= config.bin %> run suite.yaml --out results.json',
    '<%= config.bin %> run suite.yaml --dry-run',
    '<%= config.bin %> run suite.yaml --shard 1/3 --out part-1.json',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    shard: string({ summary: 'Run only part i of n.', helpValue: '<i/n>' }),
    provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where models run.' }),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({
      above: 0,
      summary: 'Longest time for a model call or a step of a module, in seconds.',
    }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
    fresh: boolean({ summary: 'Run every cell, kept or not.' }),
    'allow-code': boolean({ summary: 'Allow the suite to run modules, such as samplers.' }),
    'dry-run': boolean({ summary: 'List the cells with an estimate of the time, and stop.' }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const output = await plannedOutput(flags);
    const { checkCode, checkpointsOf, readSuite } = await import('../evals/suite/suite-file.js');
    const { isInShard, parseShard } = await import('../evals/suite/shard.js');
    const { resolveProvider } = await import('../models/provider.js');
    const { openCheckpoint } = await import('../models/checkpoint.js');
    const shard = flags.shard === undefined ? null : parseShard(flags.shard);
    const suite = readSuite(args.suite);
    checkCode(suite.cells, flags['allow-code']);
    const cells = suite.cells.filter(({ index }) => isInShard(index, shard));
    const request = {
      cells,
      provider: await resolveProvider(flags.provider),
      threads: flags.threads,
      timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
      fresh: flags.fresh,
      open: async ({ path, overrides, name }: import('../evals/suite/named-files.js').SuiteModel) => {
        const checkpoint = await openCheckpoint(path, overrides, name);
        for (const notice of checkpoint.notices) observer.note(notice);
        return checkpoint;
      },
    };
    const observer = this.observing(cells.length);
    const hubModels = [...new Set(cells.flatMap(checkpointsOf))].filter((path) => path.startsWith('hf:'));
    if (hubModels.length > 0) {
      const { fetchHubModels } = await import('../cli/hub-models.js');
      await fetchHubModels(hubModels, { ...observer, quiet: this.options.quiet });
    }
    if (flags['dry-run']) {
      const { planSuite } = await import('../evals/suite/estimate.js');
      const plan = await planSuite(request, observer);
      const { planTable } = await import('../evals/suite/printed-plan.js');
      if (output.stdout === 'json') this.printJson(plan);
      else this.print(planTable(plan, this.screen));
      return;
    }
    const { runSuite } = await import('../evals/suite/run-suite.js');
    const { assembled } = await import('../evals/suite/part-record.js');
    const results = await runSuite(request, observer);
    const { name, sha256 } = suite;
    const file = assembled({ name, sha256, cells: suite.cells.length }, results);
    this.print(await writeResults(output, file, this.screen));
  }

  private observing(cells: number): Required<import('../evals/suite/suite-settings.js').SuiteObserver> {
    const { observer } = this;
    let finished = 0;
    return {
      ...observer,
      progress: (work, done, total) =>
        observer.progress(`cell ${Math.min(finished + 1, cells)} of ${cells}: ${work}`, done, total),
      finished: () => {
        finished++;
      },
    };
  }
}
