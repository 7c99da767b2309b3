/** The inputs of a training step: sequences of the text, noised as a function of seed and step. */
import { type NoiseSchedule, noiseSchedule, toldTimestep } from '../diffusion/schedule.js';
import { usualTimestep } from '../models/family.js';
import type { Feeds } from '../models/feeds.js';
import { type CurriculumOptions, gammaRange } from './curriculum.js';
import type { Mixture } from './mixture.js';
import { keptCurriculumNoise, noisyBatch, wholeCurriculumNoise } from './noise.js';
import {
  autoregressiveFeeds,
  denoisingFeeds,
  keptMixtureFeeds,
  type NoisyBatch,
  wholeMixtureFeeds,
} from './noisy-batch.js';
import type { TrainingSettings, TrainingText } from './settings.js';
import { sequencesOfStep } from './text-order.js';

/** The curriculum at a step, from 1; null after its end, and without one. */
export function curriculumAt({ curriculum }: TrainingSettings, step: number): CurriculumOptions | null {
  return curriculum && step <= curriculum.steps ? curriculum : null;
}

/** The mixture that the network reads at a step instead of tokens; `whole` if all entries are kept. */
export function mixtureAt(settings: TrainingSettings, step: number): Mixture | null {
  const curriculum = curriculumAt(settings, step);
  if (!curriculum) return null;
  const { kept } = curriculum;
  return kept >= settings.problem.dimensions.vocabSize ? { mixture: 'whole' } : { mixture: 'kept', kept };
}

export function stepFeeds(settings: TrainingSettings, text: TrainingText): (step: number) => Feeds {
  const { problem, seed } = settings;
  const { vocabSize } = problem.dimensions;
  const schedule = noiseSchedule(settings.schedule);
  const range = settings.curriculum ? gammaRange(settings.curriculum, vocabSize) : null;
  return (step) => {
    const rows = sequencesOfStep(seed, text.sequences, problem.batch, step).map((i) => text.sequence(i));
    const curriculum = curriculumAt(settings, step);
    if (!curriculum || !range) return feedsWithoutCurriculum(settings, schedule, rows, step);
    const x = batchOf(settings, rows, 0);
    const noiseOf = [problem, curriculum, range, x, { seed, step }] as const;
    if (mixtureAt(settings, step)?.mixture === 'whole') {
      const { latent, ...noisy } = wholeCurriculumNoise(...noiseOf);
      return wholeMixtureFeeds(problem, { ...noisy, ...conditioned(settings, noisy) }, latent);
    }
    const { mixture, ...noisy } = keptCurriculumNoise(...noiseOf);
    return keptMixtureFeeds(problem, conditioned(settings, noisy), mixture);
  };
}

/** @param rows one sequence of the text each */
export function feedsWithoutCurriculum(
  settings: TrainingSettings,
  schedule: NoiseSchedule,
  rows: readonly Int32Array[],
  step: number,
): Feeds {
  const { problem, seed } = settings;
  const x = batchOf(settings, rows, 0);
  if (problem.family === 'ar') return autoregressiveFeeds(problem, x, batchOf(settings, rows, 1));
  return denoisingFeeds(problem, conditioned(settings, noisyBatch(problem, schedule, x, { seed, step })));
}

/** Tokens [from, from + length) of each row, [batch · length]. */
function batchOf(
  { problem: { batch, length } }: TrainingSettings,
  rows: readonly Int32Array[],
  from: number,
) {
  const tokens = new Int32Array(batch * length);
  for (const [b, row] of rows.entries()) tokens.set(row.subarray(from, from + length), b * length);
  return tokens;
}

/** A network without time conditioning reads 0; that of a family which is told the time reads t in place of σ. */
function conditioned(
  { timeConditioning, schedule, problem }: TrainingSettings,
  noisy: NoisyBatch,
): NoisyBatch {
  const told = toldTimestep(schedule, timeConditioning ? usualTimestep(problem.family) : 'none');
  return { ...noisy, sigma: noisy.sigma.map(told) };
}
