import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable } from '../cli/flags.js';
import { closest, GateError, UsageError } from '../errors.js';

export default class Calibrate extends BaseCommand<typeof Calibrate> {
  static override summary = 'Check duo-eval itself on sources whose answer is known.';
  static override description =
    `Exact models of independent tokens and of Markov chains go through the code that evaluates checkpoints, and must cost −ln p of the text within 4 standard errors; in discrete time (d3pm), the bound of its steps, by enumeration. The truncated range of the protocol "duo" is shown for the same sources. The exact likelihoods of masked models, under every unmasking policy and over all orders of a few tokens, must equal it.

With --intervals, error bars are checked instead: losses with a known mean and dependence are simulated, and the share of 95% intervals that contain the mean is counted.

The exit status is 7 when a check fails.`;
  static override examples = [
    '<%= config.bin %> calibrate',
    '<%= config.bin %> calibrate --family duo --estimator plain --draws 32',
    '<%= config.bin %> calibrate --intervals --replicates 200',
  ];

  static override flags = {
    source: repeatable({
      summary: 'Only this source; repeatable. [default: all]',
      helpValue: '<name>',
    }),
    family: repeatable({
      summary: 'Only this family: ar, mdlm, sedd, bd3lm, d3pm, duo or gidd; repeatable.',
      helpValue: '<family>',
    }),
    schedule: choice(['log-linear', 'cosine'])({ summary: 'Only this noise schedule. [default: both]' }),
    estimator: choice(['control-variate', 'plain', 'exact-count', 'orders'])({
      summary:
        'Only this estimator; exact-count is for mdlm, orders are the exact likelihoods of masked models. [default: all that fit]',
    }),
    sequences: integer({ min: 128, default: 512, summary: 'Sequences of text per source.' }),
    draws: integer({ min: 2, default: 8, summary: 'Draws of (t, z) per sequence.' }),
    intervals: boolean({ summary: 'Check the coverage of 95% intervals instead.' }),
    replicates: integer({
      min: 20,
      default: 1000,
      summary: 'With --intervals: simulated texts per kind.',
    }),
    evaluations: integer({
      min: 0,
      default: 50,
      summary: 'With --intervals: whole evaluations as well.',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of text, times and noise.' }),
    threads: integer({
      min: 1,
      max: 1024,
      default: 1,
      summary: 'Threads per model; does not change figures.',
    }),
    format: choice(['table', 'csv', 'json'])({ summary: 'Format on stdout. [default: table]' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags.intervals) return this.checkIntervals();
    const { calibrate, calibrationEstimators, calibrationFamilies, calibrationSchedules } = await import(
      '../evals/calibration/run.js'
    );
    const { calibrationSources } = await import('../evals/calibration/sources.js');
    const { planOutput } = await import('../printing/output.js');
    const format = planOutput({ format: flags.format, json: flags.json }).stdout;
    const record = await calibrate(
      {
        sources: chosen('source', flags.source, calibrationSources, ({ name }) => name),
        families: chosen('family', flags.family, calibrationFamilies, (name) => name),
        schedules: flags.schedule ? [flags.schedule] : calibrationSchedules,
        estimators: calibrationEstimators.filter((name) => (flags.estimator ?? name) === name),
        orders: flags.estimator === undefined || flags.estimator === 'orders',
        sequences: flags.sequences,
        draws: flags.draws,
        seed: flags.seed,
        threads: flags.threads,
      },
      this.observer,
    );

    const { formatCalibration, formatCalibrationCsv, nameOf, summaryOf } = await import(
      '../evals/calibration/printed.js'
    );
    if (format === 'table') this.print(formatCalibration(record, this.screen));
    if (format === 'csv') this.print(formatCalibrationCsv(record));
    const failures = record.checks.filter(({ verdict }) => verdict === 'fail');
    if (failures.length > 0) {
      throw new GateError(
        {
          code: 'calibration-failed',
          message: [summaryOf(record), ...failures.map((check) => `${nameOf(check)}: ${check.reason}.`)].join(
            '\n',
          ),
          hint: 'Run it again with another --seed and more --sequences: a fault stays, chance does not. Do not trust figures of these kinds until then.',
        },
        record,
      );
    }
    if (format === 'json') this.printJson({ schemaVersion: 1, ...record });
  }

  private async checkIntervals(): Promise<void> {
    const { flags } = this;
    const { calibrateIntervals } = await import('../evals/calibration/intervals.js');
    const { planOutput } = await import('../printing/output.js');
    const format = planOutput({ format: flags.format, json: flags.json }).stdout;
    const record = await calibrateIntervals(flags, this.observer);
    const { formatIntervalCalibration, formatIntervalCalibrationCsv, intervalSummaryOf, nameOfIntervals } =
      await import('../evals/calibration/printed-intervals.js');
    if (format === 'table') this.print(formatIntervalCalibration(record, this.screen));
    if (format === 'csv') this.print(formatIntervalCalibrationCsv(record));
    const failures = record.checks.filter(({ verdict }) => verdict === 'fail');
    if (failures.length > 0) {
      const told = failures.map((check) => `${nameOfIntervals(check)}: ${check.reason}.`);
      throw new GateError(
        {
          code: 'intervals-do-not-cover',
          message: [intervalSummaryOf(record), ...told].join('\n'),
          hint: 'Run it again with another --seed and more --replicates: a fault stays, chance does not.',
        },
        record,
      );
    }
    if (format === 'json') this.printJson({ schemaVersion: 1, ...record });
  }
}

/** Those of `known` whose names were asked for, all when none was. @throws UsageError */
function chosen<T>(
  flag: string,
  asked: readonly string[] | undefined,
  known: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  const names = known.map(nameOf);
  for (const name of asked ?? []) {
    if (names.includes(name)) continue;
    const near = closest(name, names);
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--${flag} has no value "${name}" here.`,
      hint: `${near ? `Did you mean ${near}? ` : ''}It takes one of: ${names.join(', ')}.`,
    });
  }
  return asked ? known.filter((one) => asked.includes(nameOf(one))) : known;
}
