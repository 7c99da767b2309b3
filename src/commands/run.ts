import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Evaluate a suite: ppl, gen, bench and frontier of models, as a file says.';
  static override description =
    'Every cell, such as a model on a data set from a seed, is kept when it is done, under all that decides its figures: a ' +
    'run that was stopped continues, and a cell that has not changed is not run again, in whatever suite it stands. bench is ' +
    'one cell a seed, since what it times takes turns; it is run again on another machine.\n\n' +
    '--shard i/n runs every n-th cell, for an array of jobs; duo-eval merge joins the parts to what one run gives.\n\n' +
    '--dry-run takes the pace of a model from its cells that are kept; where there are none, it evaluates a few sequences, ' +
    'or samples for some seconds, and throws them away. What could not be learned is a ?.';
  static override examples = [
    '<%= config.bin %> run suite.yaml --out results.json',
    '<%= config.bin %> run suite.yaml --dry-run',
    '<%= config.bin %> run suite.yaml --shard 1/3 --out part-1.json',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    shard: string({ summary: 'Part i of n.', helpValue: '<i/n>' }),
    provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where models run.' }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu provider.' }),
    timeout: number({ above: 0, summary: "Most seconds of a model call, or of a module's step." }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
    out: repeatable({ summary: 'Write results here too; the ending tells the format.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Run every cell anew.' }),
    'allow-code': boolean({ summary: 'Run modules that the suite names, such as samplers.' }),
    'dry-run': boolean({ summary: 'List the cells, with an estimate of the time, and stop.' }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { checkWritable, planOutput } = await import('../printing/output.js');
    const output = planOutput(flags);
    checkWritable(output.files.map(({ path }) => path));
    const { planSuite, readSuite, runSuite } = await import('../library/suites.js');
    const { parseShard } = await import('../evals/suite/shard.js');
    const task = {
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
      provider: flags.provider,
      threads: flags.threads,
      timeoutSeconds: flags.timeout,
      fresh: flags.fresh,
      allowCode: flags['allow-code'],
    };
    const suite = await readSuite(args.suite);
    const progress = new Progress({ quiet: this.options.quiet });
    const observer = this.observer(progress);
    try {
      if (flags['dry-run']) {
        const plan = await planSuite(suite, task, observer);
        progress.stop();
        const { planTable } = await import('../evals/suite/printed-plan.js');
        if (output.stdout === 'json') this.printJson(plan);
        else this.print(planTable(plan, this.screen));
        return;
      }
      const results = await runSuite(suite, task, observer);
      progress.stop();
      await this.deliver(output, results);
    } finally {
      progress.stop();
    }
  }
}
