import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, relativeTo, repeatable, string } from '../cli/flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { interruptionBehind } from '../cli/signals.js';
import { UnfinishedError, UsageError } from '../errors.js';
import type { Suite } from '../evals/suite/suite-file.js';
import type { Unit } from '../evals/suite/units.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Run a suite of evaluations (ppl, gen, bench, frontier, tasks) from a file.';
  static override description =
    `A cell is one evaluation, such as ppl of one model on one data set with one seed. Finished cells are kept in the cache under everything that decides their figures: a run that was stopped continues, and a cell that has not changed is not run again, in this suite or another. bench has one cell per seed, because its configurations are timed in turn, and is run again on another machine.

For many machines with one cache, --plan plan.json --machines n cuts the suite into units of about equal length: cells, or ranges of their sequences, items or samples. --plan plan.json --units i/n runs those of machine i, --units auto takes i from Slurm, Kubernetes, PBS, LSF or torchrun, and duo-eval merge --from-cache joins the results.

--shard i/n runs every n-th cell, on machines that share nothing; duo-eval merge joins the parts.

--dry-run estimates the time from cells that are kept; for other models it evaluates a few sequences, or samples for some seconds, and discards them. A ? marks what is unknown.`;
  static override examples = [
    '<%= config.bin %> run suite.yaml --out results.json',
    '<%= config.bin %> run suite.yaml --dry-run',
    '<%= config.bin %> run suite.yaml --plan plan.json --machines 8',
    '<%= config.bin %> run suite.yaml --plan plan.json --units 1/8',
    '<%= config.bin %> run suite.yaml --shard 1/3 --out part-1.json',
  ];

  static override args = {
    suite: argument({ required: true, description: 'The suite: a YAML file.' }),
  };

  static override flags = {
    plan: string({
      summary: 'Plan of units: written with --machines, read with --units.',
      helpValue: '<file>',
    }),
    machines: integer({ min: 1, max: 100_000, summary: 'Plan for so many machines.', dependsOn: ['plan'] }),
    units: string({
      summary: 'Run the units of machine i of n; auto asks the scheduler.',
      helpValue: '<i/n|auto>',
      dependsOn: ['plan'],
      exclusive: ['machines', 'shard'],
    }),
    unit: repeatable({
      summary: 'Run the unit with this key. Repeatable.',
      helpValue: '<key>',
      dependsOn: ['plan'],
      exclusive: ['machines', 'shard', 'units'],
    }),
    shard: string({ summary: 'Run only part i of n.', helpValue: '<i/n>', exclusive: ['plan'] }),
    ...providerFlags('Where models run'),
    'relative-to': relativeTo,
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
    const { planSuite, planSuiteUnits, readSuite, runSuite } = await import('../library/suites.js');
    const { parseShard } = await import('../evals/shard.js');
    const task = {
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
      provider: flags.provider,
      device: flags.device,
      threads: flags.threads,
      timeoutSeconds: flags.timeout,
      fresh: flags.fresh,
      allowCode: flags['allow-code'],
    };
    const suite = await readSuite(args.suite, flags['relative-to']);
    const { observer } = this;
    if (flags.plan !== undefined && flags.machines !== undefined) {
      const plan = await planSuiteUnits(suite, flags.machines, task, observer);
      const { writeFileAtomically } = await import('../storage/atomic-file.js');
      const { unevenness } = await import('../evals/suite/units.js');
      await writeFileAtomically(flags.plan, `${JSON.stringify(plan, null, 1)}\n`);
      const { units, cells } = plan.plan;
      const most = unevenness(plan).toFixed(2);
      if (output.stdout === 'json') this.printJson(plan);
      else
        this.print(
          `${units.length} units of ${cells} cells. With ${flags.machines} machines, the busiest works ${most} times its even share.`,
        );
      return;
    }
    if (flags['dry-run']) {
      const plan = await planSuite(suite, task, observer);
      const { planTable } = await import('../evals/suite/printed-plan.js');
      if (output.stdout === 'json') this.printJson(plan);
      else this.print(planTable(plan, this.screen));
      return;
    }
    const units = await this.unitsToRun(suite);
    const results = await this.unlessFutile(units, () => runSuite(suite, { ...task, units }, observer));
    this.print(await writeResults(output, results, this.screen));
  }

  /** Units that schedulers stop again and again are given up. @throws NoProgressError; what the work does */
  private async unlessFutile<Value>(
    units: readonly Unit[] | undefined,
    work: () => Promise<Value>,
  ): Promise<Value> {
    if (units === undefined) return work();
    const { FutileStops } = await import('../storage/futile-stops.js');
    const stops = new FutileStops(units.map(({ key }) => key));
    try {
      const value = await work();
      await stops.forget();
      return value;
    } catch (error) {
      const reason = interruptionBehind(error);
      if (reason instanceof UnfinishedError) await stops.count(reason, this.observer);
      throw error;
    }
  }

  /** The units that were asked for; undefined without --plan. @throws UsageError, FileError */
  private async unitsToRun(suite: Suite): Promise<Unit[] | undefined> {
    const { plan: path, unit, units } = this.flags;
    if (path === undefined) return undefined;
    const { placeFromEnvironment, readPlan, sharesOf, unitsByKey } = await import('../evals/suite/units.js');
    const { parseShard } = await import('../evals/shard.js');
    const plan = readPlan(path, suite);
    if (unit && unit.length > 0) return unitsByKey(plan, unit);
    if (units === undefined)
      throw new UsageError({
        code: 'missing-flag',
        message: '--plan does not say what to do with the plan.',
        hint: 'Write it with --machines n; run of it with --units i/n, --units auto or --unit key.',
      });
    const { part, of } = units === 'auto' ? placeFromEnvironment(plan.plan.machines) : parseShard(units);
    return sharesOf(plan, of)[part - 1];
  }
}
