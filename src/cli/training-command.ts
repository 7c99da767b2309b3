/** What `train` and `distill` share: flags, the request made from them, progress, and how results are printed. */

import { shellCommand } from '../printing/shell-command.js';
import type { RunRequest, RunResult } from '../training/training-run.js';
import { type BoundaryFlagValues, boundariesOf, boundaryFlags } from './checkpoint-flags.js';
import { choice, integer, string } from './flags.js';
import type { Progress } from './progress.js';
import { tableFlags, tableOptions } from './table-flags.js';

/** Progress shows the mean loss over this many steps, because single losses are noisy. */
const SHOWN_OVER = 50;

export const textFlags = {
  dataset: string({
    char: 'd',
    required: true,
    summary: 'Text: a name, name=path, or a path.',
    helpValue: '<data>',
    aliases: ['data'],
  }),
  validation: string({
    summary: 'Held-out text, evaluated at every save.',
    helpValue: '<data>',
  }),
  ...tableFlags,
  ...boundaryFlags,
};

export const savingFlags = {
  seed: integer({
    min: 0,
    default: 1,
    summary: 'Seed of all randomness; the same seed gives the same weights.',
  }),
  'save-every': integer({ min: 1, default: 500, summary: 'Steps between two saves.' }),
  'validation-sequences': integer({ min: 1, default: 128, summary: 'Held-out sequences.' }),
  dtype: choice(['float32', 'float16'])({
    default: 'float32',
    summary: 'Type in which the checkpoint stores matrices.',
  }),
  threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
};

interface TrainingFlagValues extends BoundaryFlagValues {
  dataset: string;
  validation?: string;
  'text-column'?: string;
  'skip-null'?: boolean;
  out: string;
  batch: number;
  lr: number;
  'weight-decay': number;
  seed: number;
  'save-every': number;
  'validation-sequences': number;
  dtype: RunRequest['dtype'];
  threads?: number;
}

/** The part of a request that both commands build from the same flags. */
export const runRequest = (
  flags: TrainingFlagValues,
): Omit<RunRequest, 'warmup' | 'averageDecay' | 'command'> => ({
  data: flags.dataset,
  validation: flags.validation ?? null,
  ...tableOptions(flags),
  ...boundariesOf(flags),
  batch: flags.batch,
  learningRate: flags.lr,
  weightDecay: flags['weight-decay'],
  seed: flags.seed,
  out: flags.out,
  saveEvery: flags['save-every'],
  validationSequences: flags['validation-sequences'],
  dtype: flags.dtype,
  threads: flags.threads,
});

/** The command line that repeats a run: flags, typed or from the environment, that differ from their defaults. */
export function givenCommand(
  name: string,
  known: Record<string, { default?: unknown }>,
  values: Record<string, unknown>,
): string {
  const given = Object.entries(known).map(([flag, { default: usual }]): [string, string | boolean | null] => {
    const value = values[flag];
    if (value === undefined || value === usual) return [flag, null];
    return [flag, typeof value === 'boolean' ? value : String(value)];
  });
  return shellCommand(name, given);
}

/** Shows the steps of a run with the mean of the latest losses. */
export class RunProgress {
  private readonly latest: number[] = [];

  /** @param finishedHint follows the note that a run is already finished */
  constructor(
    readonly say: (text: string) => void,
    private readonly progress: Progress,
    private readonly finishedHint = '',
  ) {}

  resumed = (step: number, all: number): void => {
    if (step < all) this.say(`Continuing after step ${step} of ${all}.`);
    else this.say(`The run is already finished: ${all} steps.${this.finishedHint}`);
  };

  /** @param text formats the mean of the latest losses */
  step(work: string, step: number, all: number, loss: number, text: (mean: number) => string): void {
    this.latest.push(loss);
    if (this.latest.length > SHOWN_OVER) this.latest.shift();
    const mean = this.latest.reduce((sum, one) => sum + one, 0) / this.latest.length;
    this.progress.show(work, step, all, text(mean));
  }

  /** Starts a new mean, because the losses that follow are of another kind. */
  forgetLosses(): void {
    this.latest.length = 0;
  }
}

/** The parts of a result for `--json`. */
export const resultJson = <Loss>(result: RunResult<Loss>) => {
  const { path, dataPath, cardPath, curvePath, plotPath } = result;
  const { parameters, bytes, steps, loss, validation } = result;
  return {
    checkpoint: { model: path, data: dataPath, card: cardPath },
    figures: { parameters, bytes, steps, loss, validation },
    losses: { curve: curvePath, plot: plotPath },
  };
};

/** A result as rows of a table. @param loss as printed   @param heldOut as printed; null without held-out text */
export const resultRows = (
  { path, dataPath, cardPath, parameters, steps, plotPath }: RunResult<unknown>,
  { loss, heldOut }: { loss: string; heldOut: string | null },
): string[][] => [
  ['model', path],
  ...(dataPath ? [['data', dataPath]] : []),
  ['card', cardPath],
  ['parameters', parameters.toLocaleString('en-US')],
  ['steps', steps.toLocaleString('en-US')],
  ['loss', `${loss} nats per token`],
  ...(heldOut ? [['held-out loss', heldOut]] : []),
  ['plot', plotPath],
];
