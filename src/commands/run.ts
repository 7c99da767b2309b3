import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Run a suite of evaluations (ppl, gen, bench, frontier, tasks) from a file.';
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
      char: 'o',
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
    const { planSuite, readSuite, runSuite } = await import('../library/suites.js');
    const { parseShard } = await import('../evals/shard.js');
    const task = {
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
      provider: flags.provider,
      threads: flags.threads,
      timeoutSeconds: flags.timeout,
      fresh: flags.fresh,
      allowCode: flags['allow-code'],
    };
    const suite = await readSuite(args.suite);
    const { observer } = this;
    if (flags['dry-run']) {
      const plan = await planSuite(suite, task, observer);
      const { planTable } = await import('../evals/suite/printed-plan.js');
      if (output.stdout === 'json') this.printJson(plan);
      else this.print(planTable(plan, this.screen));
      return;
    }
    const results = await runSuite(suite, task, observer);
    this.print(await writeResults(output, results, this.screen));
  }
}
