import { resolve } from 'node:path';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable, string } from '../cli/flags.js';
import { providerFlag } from '../cli/provider-flags.js';

export default class Submit extends BaseCommand<typeof Submit> {
  static override summary = 'Run a suite on many machines: an array of jobs, and their merge.';
  static override description =
    `Cuts the suite into units of about equal length, and hands Slurm an array of so many tasks, and a merge that starts when all have ended, also when one failed: it joins what there is and says what is missing. Before its time limit, or when it is preempted, a task stops at a safe place and is queued again. All machines must see the folder and the cache.

submit status, submit wait and submit cancel take the folder.`;
  static override examples = [
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job',
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job --print',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    to: choice(['slurm'])({ required: true, summary: 'The scheduler.' }),
    machines: integer({ min: 1, max: 100_000, required: true, summary: 'Tasks of the array.' }),
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
    print: boolean({ summary: 'Print the scripts, and submit nothing.' }),
  };

  async run(): Promise<void> {
    const { flags, args, observer } = this;
    const { slurmScripts, submitToSlurm } = await import('../evals/suite/slurm.js');
    const { machines, provider, threads, program, 'allow-code': allowCode } = flags;
    const folder = resolve(flags.folder);
    const settings = Object.entries({ partition: flags.partition, gres: flags.gres, time: flags.time });
    const job = {
      suite: resolve(args.suite),
      ...{ folder, machines },
      program:
        program === undefined ? [process.execPath, process.argv[1]] : program.split(/\s+/).filter(Boolean),
      flags: [
        ...(threads === undefined ? [] : ['--threads', String(threads)]),
        ...(provider === 'cpu' ? [] : ['--provider', provider]),
        ...(allowCode ? ['--allow-code'] : []),
      ],
      sbatch: [
        ...settings.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${oneLine(value)}`])),
        ...(threads === undefined ? [] : [`--cpus-per-task=${threads}`]),
        ...(flags.sbatch ?? []).map(oneLine),
      ],
    };
    if (flags.print) {
      const { array, merge } = slurmScripts(job);
      if (flags.json) this.printJson({ array, merge });
      else this.print(`${array}\n${merge}`);
      return;
    }
    const { planSuiteUnits, readSuite } = await import('../library/suites.js');
    const { writeFileAtomically } = await import('../storage/atomic-file.js');
    const plan = await planSuiteUnits(
      await readSuite(args.suite),
      machines,
      { provider, allowCode },
      observer,
    );
    await writeFileAtomically(`${folder}/plan.json`, `${JSON.stringify(plan)}\n`);
    const { array, merge } = await submitToSlurm(job);
    if (flags.json) this.printJson({ array, merge, folder: flags.folder });
    else
      this.print(
        `Submitted ${machines} tasks as job ${array}, and their merge as job ${merge}. duo-eval submit wait ${flags.folder} waits for the results in ${flags.folder}/results.json.`,
      );
  }
}

/** An option is one line of a script. */
const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ');
