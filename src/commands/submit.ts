import { resolve } from 'node:path';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, integer, repeatable, string } from '../cli/flags.js';
import { providerFlag } from '../cli/provider-flags.js';
import { UsageError } from '../errors.js';
import type { Shown, Submission } from '../evals/suite/scheduler.js';
import type { UnitPlan } from '../evals/suite/units.js';
import type { Placement } from '../models/provider.js';

const SLURM = 'SLURM';

const slurmFlags = {
  partition: string({ summary: 'Partition.', helpValue: '<name>', helpGroup: SLURM }),
  gres: string({ summary: 'Resources of a task, such as gpu:1.', helpValue: '<list>', helpGroup: SLURM }),
  time: string({ summary: 'Time limit of a task, such as 4:00:00.', helpValue: '<time>', helpGroup: SLURM }),
  sbatch: repeatable({
    summary: 'Another option of sbatch for the tasks. Repeatable.',
    helpValue: '<--name=value>',
    helpGroup: SLURM,
  }),
};

const helpGroup = 'KUBERNETES';

/** src/evals/suite/kubernetes-options.ts says what they must look like. */
const kubernetesFlags = {
  image: string({ summary: 'Image that has duo-eval.', helpValue: '<image>', helpGroup }),
  claim: string({ summary: 'PersistentVolumeClaim that pods share.', helpValue: '<name>', helpGroup }),
  'host-path': string({
    summary: 'Folder of all nodes that pods share, in place of a claim.',
    helpValue: '<folder>',
    helpGroup,
  }),
  mount: string({
    summary: 'Where pods see the volume. [default: /work]',
    helpValue: '<folder>',
    helpGroup,
  }),
  'in-volume': string({
    summary: 'Folder of the volume with suite and plan.json, for plans past 1 MiB.',
    helpValue: '<folder>',
    helpGroup,
  }),
  memory: string({ summary: 'Memory of a pod, such as 32Gi.', helpValue: '<size>', helpGroup }),
  gpu: string({ summary: 'One GPU for each pod: nvidia.com/gpu.', helpValue: '<resource>', helpGroup }),
  env: repeatable({ summary: 'Variable of pods. Repeatable.', helpValue: '<NAME=value>', helpGroup }),
  secret: repeatable({
    summary: 'Secret whose keys become variables, such as HF_TOKEN. Repeatable.',
    helpValue: '<name>',
    helpGroup,
  }),
  'service-account': string({ summary: 'Service account of pods.', helpValue: '<name>', helpGroup }),
  'node-selector': repeatable({
    summary: 'Label that nodes must have. Repeatable.',
    helpValue: '<key=value>',
    helpGroup,
  }),
  user: string({
    summary: 'User and group of pods. [default: 1000:1000]',
    helpValue: '<uid[:gid]>',
    helpGroup,
  }),
  'job-name': string({ summary: 'Name of the job. [default: made up]', helpValue: '<name>', helpGroup }),
  namespace: string({ summary: 'Namespace. [default: that of kubectl]', helpValue: '<name>', helpGroup }),
  'kube-context': string({
    summary: 'Cluster, as kubectl names it. [default: the current one]',
    helpValue: '<name>',
    helpGroup,
  }),
};

export default class Submit extends BaseCommand<typeof Submit> {
  static override summary = 'Run a suite on many machines: by Slurm, Kubernetes or a Redis.';
  static override description =
    `Cuts the suite into units of about equal length, and hands a scheduler an array of so many tasks, and a merge, which also joins what there is when a task failed, and says what is missing. A task that is told to stop, before its time limit or because a node is drained, stops at a safe place and is started again.

To Slurm: all machines must see the folder and the cache. To Kubernetes, through kubectl: an Indexed Job whose pods share a volume, with the cache, the results, and the files that the suite names, relative to --mount; submit wait starts the merge. To a Redis: a queue of the units, which duo-eval worker takes one by one, on any number of machines that see the cache; submit wait merges.

submit status, submit wait and submit cancel take the folder.`;
  static override examples = [
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job',
    '<%= config.bin %> submit suite.yaml --to slurm --machines 8 --folder job --print',
    '<%= config.bin %> submit suite.yaml --to kubernetes --machines 8 --folder job \\\n    --image duo-eval:0.1.0 --claim shared',
    '<%= config.bin %> submit suite.yaml --to redis://queue.example:6379 \\\n    --machines 8 --folder job',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    to: string({
      required: true,
      summary: 'slurm, kubernetes, or redis://….',
      helpValue: '<scheduler>',
    }),
    machines: integer({
      min: 1,
      max: 100_000,
      required: true,
      summary: 'Machines to cut for; tasks of the array.',
    }),
    folder: string({
      required: true,
      summary: 'For plan, scripts and logs, and the results of Slurm.',
      helpValue: '<folder>',
    }),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads of a task, for which it asks.' }),
    provider: providerFlag('Where models run'),
    program: string({
      summary: 'How machines call duo-eval. [default: as it was called here, or duo-eval of the image]',
      helpValue: '<command>',
    }),
    'allow-code': boolean({ summary: 'Allow the suite to run modules, such as samplers.' }),
    print: boolean({ summary: 'Print scripts, objects or jobs; submit nothing.' }),
    ...slurmFlags,
    ...kubernetesFlags,
  };

  async run(): Promise<void> {
    const { flags, args, observer } = this;
    const { checkFolderIsFree, optionsFor, schedulerNamed } = await import('../evals/suite/schedulers.js');
    const { keepSubmitted } = await import('../evals/suite/scheduler.js');
    const { to, machines, provider, threads, program } = flags;
    // Absent where it is not given, whatever its type says.
    const allowCode = flags['allow-code'] === true;
    const scheduler = schedulerNamed(to);
    const options = optionsFor(scheduler, flags);
    if (provider === 'auto')
      throw new UsageError({
        code: 'invalid-flag-value',
        message:
          'submit takes no --provider auto: machines could choose different ones, and what they finish would not join.',
        hint: 'Name it: --provider cuda',
      });
    const folder = resolve(flags.folder);
    const plan = async (again: boolean): Promise<UnitPlan> => {
      const { planSuiteUnits, readSuite } = await import('../library/suites.js');
      const { planIfAny } = await import('../evals/suite/units.js');
      const { providerOf } = await import('../models/provider.js');
      const suite = await readSuite(args.suite);
      const earlier = again ? planIfAny(`${folder}/plan.json`, suite) : undefined;
      // The machines may have cards that this one lacks.
      const settings = { provider: providerOf(provider as Placement), threads, allowCode };
      return planSuiteUnits(suite, machines, settings, observer, earlier);
    };
    let planned: Promise<UnitPlan> | undefined;
    const submission: Submission = {
      ...{ to, suite: resolve(args.suite), folder, machines },
      program: program === undefined ? null : program.split(/\s+/).filter(Boolean),
      settings: { provider, threads, allowCode },
      options,
      plan: (again = false) => {
        planned ??= plan(again);
        return planned;
      },
      observer,
    };
    if (flags.print) return this.show(await scheduler.preview(submission));
    const { acquireLock } = await import('../storage/lock.js');
    const lock = acquireLock(
      `${folder}/submitted.json`,
      `Submission from ${flags.folder}`,
      'Give another --folder.',
    );
    let submitted: { jobs: object } & Shown;
    try {
      await checkFolderIsFree(scheduler, submission);
      submitted = await scheduler.submit(submission);
      await keepSubmitted(folder, scheduler.name, submitted.jobs);
    } finally {
      lock.release();
    }
    const { jobs, text, record } = submitted;
    this.show({
      text: `${text} duo-eval submit wait ${flags.folder} waits for the results in ${scheduler.results?.(jobs) ?? `${flags.folder}/results.json`}.`,
      record: { ...record, folder: flags.folder },
    });
  }

  private show({ text, record }: Shown): void {
    if (this.flags.json) this.printJson(record);
    else this.print(text);
  }
}
