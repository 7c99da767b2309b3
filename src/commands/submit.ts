import { resolve } from 'node:path';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, integer, repeatable, string } from '../cli/flags.js';
import { providerFlag } from '../cli/provider-flags.js';
import type { Shown, Submission } from '../evals/suite/scheduler.js';

export default class Submit extends BaseCommand<typeof Submit> {
  static override summary = 'Run a suite on many machines: jobs of Slurm, or a queue of Redis.';
  static override description =
    `Cuts the suite into units of about equal length. Slurm gets an array of so many tasks, and a merge that starts when all have ended, also when one failed: it joins what there is and says what is missing. Before its time limit, or when it is preempted, a task stops at a safe place and is queued again. A Redis gets a queue of the units, which duo-eval worker takes one by one, on any number of machines; submit wait merges them. All machines must see the folder and the cache.

submit status, submit wait and submit cancel take the folder.`;
  static override examples = [
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job',
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job --print',
    '<%= config.bin %> submit suite.yaml --to redis://queue.example:6379/0 --machines 8 --folder job',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    to: string({ required: true, summary: 'The scheduler: slurm, or redis://….', helpValue: '<scheduler>' }),
    machines: integer({
      min: 1,
      max: 100_000,
      required: true,
      summary: 'Machines to cut for; tasks of the array.',
    }),
    folder: string({
      required: true,
      summary: 'For plan, scripts, logs and results; all machines see it.',
      helpValue: '<folder>',
    }),
    partition: string({ summary: 'Partition of Slurm.', helpValue: '<name>' }),
    gres: string({ summary: 'Resources of a task, such as gpu:1.', helpValue: '<list>' }),
    time: string({ summary: 'Time limit of a task, such as 4:00:00.', helpValue: '<time>' }),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads of a task.' }),
    provider: providerFlag('Where models run'),
    sbatch: repeatable({
      summary: 'Another option of sbatch for the tasks. Repeatable.',
      helpValue: '<--name=value>',
    }),
    program: string({
      summary: 'How machines call duo-eval. [default: as it was called here]',
      helpValue: '<command>',
    }),
    'allow-code': boolean({ summary: 'Allow the suite to run modules, such as samplers.' }),
    print: boolean({ summary: 'Print scripts or jobs, and submit nothing.' }),
  };

  async run(): Promise<void> {
    const { flags, args, observer } = this;
    const { schedulerNamed } = await import('../evals/suite/schedulers.js');
    const { keepSubmitted } = await import('../evals/suite/scheduler.js');
    const { to, machines, provider, threads, program } = flags;
    // Absent where it is not given, whatever its type says.
    const allowCode = flags['allow-code'] === true;
    const { partition, gres, time, sbatch } = flags;
    const scheduler = schedulerNamed(to);
    const folder = resolve(flags.folder);
    const submission: Submission = {
      ...{ to, suite: resolve(args.suite), folder, machines },
      program:
        program === undefined ? [process.execPath, process.argv[1]] : program.split(/\s+/).filter(Boolean),
      settings: { provider, threads, allowCode },
      options: { partition, gres, time, sbatch },
      plan: async (again = false) => {
        const { planSuiteUnits, readSuite } = await import('../library/suites.js');
        const { planIfAny } = await import('../evals/suite/units.js');
        const suite = await readSuite(args.suite);
        const earlier = again ? planIfAny(`${folder}/plan.json`, suite) : undefined;
        return planSuiteUnits(suite, machines, { provider, threads, allowCode }, observer, earlier);
      },
      observer,
    };
    if (flags.print) return this.show(await scheduler.preview(submission));
    const { jobs, text, record } = await scheduler.submit(submission);
    await keepSubmitted(folder, scheduler.name, jobs);
    this.show({
      text: `${text} duo-eval submit wait ${flags.folder} waits for the results in ${flags.folder}/results.json.`,
      record: { ...record, folder: flags.folder },
    });
  }

  private show({ text, record }: Shown): void {
    if (this.flags.json) this.printJson(record);
    else this.print(text);
  }
}
