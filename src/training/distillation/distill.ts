/**
 * The loop of a distillation: rounds of steps, each with its own teacher, the run saved at intervals. As in training, everything
 * random is a function of seed and step, and a resumed run ends with the same weights.
 */
import { type Phase, runPhase } from '../phase.js';
import type { TrainingText } from '../settings.js';
import { type SavedRun, type SavedTraining, stateFile } from '../state-file.js';
import { checkText } from '../train.js';
import { startingVectors, TrainingSession } from '../training-session.js';
import { STATE, type StateName } from '../training-state.js';
import { distillationFeeds } from './feeds.js';
import { distillationObjective, TEACHER } from './objective.js';
import { type DistillationSettings, distillationSteps, roundOf } from './settings.js';

export interface DistillationRun extends Pick<Phase, 'saveEvery' | 'signal' | 'onStep' | 'onDivergence'> {
  settings: DistillationSettings;
  /** Weights of the checkpoint: the student starts from them, and they are the first teacher. */
  weights: Float32Array;
  text: TrainingText;
  /** The run's state; if the file exists, the run is resumed. */
  statePath: string;
  threads?: number;
  /** Called after every save, and with the state of a resumed run; the next step waits for it. */
  onSave?: (saved: SavedDistillation) => Promise<void>;
  /** Called first when a run is resumed. @param step its last step */
  onResume?: (step: number) => void;
}

export interface DistillationOutcome extends SavedDistillation {
  finished: boolean;
}

/**
 * @throws NumericalError `training-diverged`, `loss-exploded`, `gradient-vanished`; what was saved before stays
 * @throws DataError `text-too-short`
 * @throws UsageError `other-settings`   @throws FileError
 */
export async function distill(run: DistillationRun): Promise<DistillationOutcome> {
  const { settings, statePath, weights, signal } = run;
  checkText(run);
  const steps = distillationSteps(settings);
  const before = await distillationFile.load(statePath, settings);
  if (before) run.onResume?.(before.step);
  if (before) await run.onSave?.(before); // a run killed right after a save may have missed it
  let saved = before ?? {
    step: 0,
    vectors: { ...startingVectors(weights), teacher: weights },
    curve: new Float32Array(0),
  };
  while (saved.step < steps && !signal?.aborted) saved = await distillRound(run, saved);
  return { ...saved, finished: saved.step >= steps };
}

/** A round, or the rest of it. */
async function distillRound(run: DistillationRun, from: SavedDistillation): Promise<SavedDistillation> {
  const { settings, statePath, threads, onSave } = run;
  const { problem, divergence, stepsPerRound, adamW, greatestNorm, averageDecay } = settings;
  const { teacher: before, ...student } = from.vectors;
  const teacher = from.step % stepsPerRound === 0 ? student[settings.nextTeacher] : before;
  const withTeacher = (saved: SavedTraining): SavedDistillation => ({
    ...saved,
    vectors: { ...saved.vectors, teacher },
  });
  const session = await TrainingSession.start(
    distillationObjective({ ...problem, divergence }),
    student,
    {
      adamW,
      greatestNorm,
      averageDecay,
      learningRate: { ...settings.learningRate, steps: distillationSteps(settings), final: 1 },
      threads,
    },
    { [TEACHER.weights]: teacher },
  );
  const reached = await runPhase({
    ...run,
    session,
    from,
    last: stepsPerRound * (1 + roundOf(settings, from.step + 1)),
    ignorance: Math.log(problem.dimensions.vocabSize),
    feedsOf: distillationFeeds(settings, run.text),
    save: (saved) => distillationFile.save(statePath, settings, withTeacher(saved)),
    onSave: async (saved) => onSave?.(withTeacher(saved)),
  });
  return withTeacher(reached);
}

/** Runs of `duo-eval distill`: the vectors of training, and the teacher of the current round. */
type VectorName = StateName | 'teacher';

export type SavedDistillation = SavedRun<VectorName>;

export const distillationFile = stateFile<VectorName, DistillationSettings>({
  kind: 'duo-eval distillation state',
  names: [...STATE, 'teacher'],
});
