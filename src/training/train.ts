/**
 * The training loop: sequences in, steps taken, the run saved at intervals. Everything random is a function of seed and step,
 * so a resumed run ends with the same weights, bit for bit on the cpu with the same number of threads.
 */
import { DataError } from '../errors.js';
import { elementCount } from '../models/architectures/parameters.js';
import { randomWeights } from '../models/weights/random-weights.js';
import { objectiveGraph, parametersOf } from './objective.js';
import { runPhase } from './phase.js';
import { type TextSettings, type TrainingSettings, type TrainingText, tokensOfSequence } from './settings.js';
import { type SavedTraining, trainingFile } from './state-file.js';
import { curriculumAt, mixtureAt, stepFeeds } from './step-feeds.js';
import { startingVectors, TrainingSession } from './training-session.js';
import type { StepResult } from './training-state.js';

export interface TrainingRun {
  settings: TrainingSettings;
  text: TrainingText;
  /** The first weights of a run that does not start at random; see initial-network.ts. */
  initial?: Float32Array;
  /** The run's state; if the file exists, the run is resumed. */
  statePath: string;
  saveEvery: number;
  threads?: number;
  /** Stops the run after the current steps, which are saved. */
  signal?: AbortSignal;
  onStep?: (step: number, result: StepResult) => void;
  /** Called after every save, and with the state of a resumed run; the next step waits for it. */
  onSave?: (saved: SavedTraining) => Promise<void>;
  /** Called first when a run is resumed. @param step its last step */
  onResume?: (step: number) => void;
  /** Called before the error of a diverging loss is thrown. @param curve of the steps before it */
  onDivergence?: (step: number, curve: Float32Array) => Promise<void>;
}

export interface TrainingOutcome extends SavedTraining {
  finished: boolean;
}

/**
 * @throws NumericalError `training-diverged`, `loss-exploded`, `gradient-vanished`; what was saved before stays
 * @throws DataError `text-too-short`   @throws UsageError `other-settings`   @throws FileError
 */
export async function train(run: TrainingRun): Promise<TrainingOutcome> {
  const { settings, statePath } = run;
  checkText(run);
  const before = await trainingFile.load(statePath, settings);
  if (before) run.onResume?.(before.step);
  if (before) await run.onSave?.(before); // a run killed right after a save may have missed it
  let saved = before ?? startOf(settings, run.initial);
  while (saved.step < settings.steps && !run.signal?.aborted) saved = await trainPhase(run, saved);
  return { ...saved, finished: saved.step >= settings.steps };
}

/** Given weights, or random ones from the seed, where layers that start at 0 are 0. */
function startOf({ problem, seed }: TrainingSettings, initial?: Float32Array): SavedTraining {
  if (initial) return { step: 0, vectors: startingVectors(initial), curve: new Float32Array(0) };
  const parameters = parametersOf(problem);
  const weights = new Float32Array(parameters.reduce((sum, parameter) => sum + elementCount(parameter), 0));
  const source = randomWeights({ seed, zeroed: true });
  let at = 0;
  for (const parameter of parameters) {
    for (const piece of source(parameter) as Iterable<Float32Array>) {
      weights.set(piece, at);
      at += piece.length;
    }
  }
  return { step: 0, vectors: startingVectors(weights), curve: new Float32Array(0) };
}

/** Trains to the end of the curriculum or of the run: as long as the graph stays the same. */
async function trainPhase(run: TrainingRun, from: SavedTraining): Promise<SavedTraining> {
  const { settings, statePath } = run;
  const { problem, adamW, greatestNorm, averageDecay, steps } = settings;
  const curriculum = curriculumAt(settings, from.step + 1);
  const reads = mixtureAt(settings, from.step + 1) ?? 'tokens';
  const session = await TrainingSession.start(objectiveGraph({ ...problem, reads }), from.vectors, {
    adamW,
    greatestNorm,
    averageDecay,
    learningRate: { ...settings.learningRate, steps },
    threads: run.threads,
  });
  return runPhase({
    ...run,
    session,
    from,
    last: curriculum ? Math.min(steps, curriculum.steps) : steps,
    ignorance: Math.log(problem.dimensions.vocabSize),
    feedsOf: stepFeeds(settings, run.text),
    save: (reached) => trainingFile.save(statePath, settings, reached),
  });
}

/** @throws DataError `text-too-short` */
export function checkText({ settings, text }: Pick<TrainingRun, 'text'> & { settings: TextSettings }): void {
  const wanted = tokensOfSequence(settings);
  const { batch } = settings.problem;
  if (text.sequences >= batch && text.length >= wanted) return;
  throw new DataError({
    code: 'text-too-short',
    message: `The text has ${text.sequences} sequences of ${text.length} tokens; a step reads ${batch} of ${wanted}.`,
    hint: 'Train on more text, or with a smaller --batch or --length.',
  });
}
