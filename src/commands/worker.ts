import { BaseCommand } from '../cli/base-command.js';
import { describeFailure } from '../cli/failure.js';
import { boolean, number, string } from '../cli/flags.js';
import { deviceFlag } from '../cli/provider-flags.js';
import type { KeptPlan } from '../evals/suite/redis/kept-plan.js';
import type { RunUnits } from '../evals/suite/redis/worker.js';
import type { ProviderChoice } from '../models/provider.js';
import { waitForOthers } from '../storage/waiting.js';

export default class Worker extends BaseCommand<typeof Worker> {
  static override summary = 'Run units of submitted suites from a queue of Redis, one by one.';
  static override description =
    `Takes the units that submit --to redis://… put there, the heaviest first, and keeps a model loaded while it has some. All workers need the cache of the submission, and run only plans that are in it. One worker a GPU: --device names its card.

A unit that fails is tried three times. A unit of bench has its machine alone: other workers there wait. A unit whose worker is silent for a minute is given to another (DUO_EVAL_LEASE sets the seconds).

A signal of a scheduler stops at the next safe place, gives the unit back, and ends with status 75.`;
  static override examples = [
    '<%= config.bin %> worker --queue redis://queue.example:6379/0',
    '<%= config.bin %> worker --queue redis://queue.example:6379/0 --until-empty',
  ];

  static override flags = {
    queue: string({
      required: true,
      summary: 'The Redis. DUO_EVAL_REDIS_PASSWORD may hold its password.',
      helpValue: '<redis://…>',
    }),
    'until-empty': boolean({ summary: 'End when no unit waits or runs; else wait for more.' }),
    device: deviceFlag(),
    timeout: number({
      above: 0,
      summary: 'Longest time for a model call or a step of a module, in seconds.',
    }),
    'allow-code': boolean({ summary: 'Allow suites to run modules, such as samplers.' }),
  };

  async run(): Promise<void> {
    const { flags, observer } = this;
    const { connectToRedis, parseRedisAddress } = await import('../evals/suite/redis/connection.js');
    const { workOnQueues } = await import('../evals/suite/redis/worker.js');
    // What another process does is tried again later, with other units in between.
    waitForOthers(null);
    const client = await connectToRedis(parseRedisAddress(flags.queue), observer);
    try {
      const report = await workOnQueues(
        client,
        {
          untilEmpty: flags['until-empty'],
          open: (plan) => this.runnerOf(plan),
          sentenceOf: (error) => describeFailure(error, null).message,
        },
        observer,
      );
      if (flags.json) this.printJson(report);
      else this.print(`Done: ${report.done} units. Attempts that failed: ${report.failed}.`);
    } finally {
      client.disconnect();
    }
  }

  /** @throws UsageError, FileError where the suite is not as it was planned, or may not run here */
  private async runnerOf({ suite: path, provider, threads, plan }: KeptPlan): Promise<RunUnits> {
    const { readSuite, runSuiteUnits } = await import('../library/suites.js');
    const { checkCode } = await import('../evals/suite/suite-file.js');
    const { checkPlanned } = await import('../evals/suite/units.js');
    const { device, timeout, 'allow-code': allowCode } = this.flags;
    const suite = await readSuite(path);
    checkPlanned(plan, suite, path);
    checkCode(suite.cells, allowCode);
    const settings = {
      provider: provider as ProviderChoice,
      device,
      threads: threads ?? undefined,
      ...{ timeoutSeconds: timeout, allowCode },
    };
    return (cells, units, observer) => runSuiteUnits(suite, cells, units, settings, observer);
  }
}
