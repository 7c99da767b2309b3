import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';
import { closest, GateError, UsageError } from '../errors.js';

export default class Calibrate extends BaseCommand<typeof Calibrate> {
  static override summary = 'Check the harness itself on sources whose answer is known.';
  static override description =
    'Exact models of independent tokens and of Markov chains run through the code that a checkpoint runs through, and ' +
    'must cost −ln p of the text within 4 standard errors. Shows also what the truncated range of the protocol "duo" ' +
    'makes of the same sources.\n\nWith --intervals it is the error bars that are checked: losses are simulated whose mean and ' +
    'dependence are known, and it is counted how often 95% intervals hold the mean.\n\nExit status 7 when a check fails.';
  static override examples = [
    '<%= config.bin %> calibrate',
    '<%= config.bin %> calibrate --family duo --estimator plain --draws 32',
    '<%= config.bin %> calibrate --intervals --replicates 200',
  ];

  static override flags = {
    source: repeatable({
      summary: 'One of the sources, by name; repeatable. [default: all]',
      helpValue: '<name>',
    }),
    family: repeatable({
      summary: 'ar, mdlm, sedd or duo; repeatable. [default: all]',
      helpValue: '<family>',
    }),
    schedule: choice(['log-linear', 'cosine'])({ summary: 'Only this noise schedule. [default: both]' }),
    estimator: choice(['control-variate', 'plain'])({ summary: 'Only this estimator. [default: both]' }),
    sequences: integer({ min: 128, default: 512, summary: "Sequences of each source's text." }),
    draws: integer({ min: 2, default: 8, summary: 'Draws of (t, z) a sequence.' }),
    intervals: boolean({ summary: 'Check how often 95% intervals cover, instead.' }),
    replicates: integer({
      min: 20,
      default: 1000,
      summary: 'With --intervals: simulated texts of each kind.',
    }),
    evaluations: integer({
      min: 0,
      default: 50,
      summary: 'With --intervals: whole evaluations beside them.',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Of text, times and noise.' }),
    threads: integer({ min: 1, max: 1024, default: 1, summary: 'Threads of a model; changes no figure.' }),
    format: choice(['table', 'csv', 'json'])({ summary: 'What to print.' }),
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
    const progress = new Progress({ quiet: this.options.quiet });
    let started = false;
    const record = await calibrate(
      {
        sources: chosen('source', flags.source, calibrationSources, ({ name }) => name),
        families: chosen('family', flags.family, calibrationFamilies, (name) => name),
        schedules: flags.schedule ? [flags.schedule] : calibrationSchedules,
        estimators: flags.estimator ? [flags.estimator] : calibrationEstimators,
        sequences: flags.sequences,
        draws: flags.draws,
        seed: flags.seed,
        threads: flags.threads,
      },
      {
        onProgress(done, total) {
          if (!started) progress.start(total, 'calibrating');
          started = true;
          progress.update(done);
        },
        signal: this.interrupt,
      },
    ).finally(() => progress.stop());

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
          hint: 'Run it with another --seed and more --sequences: a fault stays, chance does not. Until then do not trust figures of these kinds.',
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
    const progress = new Progress({ quiet: this.options.quiet });
    let started = false;
    const record = await calibrateIntervals(flags, {
      onProgress(done, total) {
        if (!started) progress.start(total, 'simulating');
        started = true;
        progress.update(done);
      },
      signal: this.interrupt,
    }).finally(() => progress.stop());
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
          hint: 'Run it with another --seed and more --replicates: a fault stays, chance does not.',
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
