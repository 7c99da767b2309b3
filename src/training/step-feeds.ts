/** What the graph reads at a step: sequences of the text, noised as the step has it. */
import { type NoiseSchedule, noiseSchedule } from '../diffusion/schedule.js';
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

/** The curriculum at a step from 1; null after it, and where there is none. */
export function curriculumAt({ curriculum }: TrainingSettings, step: number): CurriculumOptions | null {
  return curriculum && step <= curriculum.steps ? curriculum : null;
}

/** What the network reads at a step instead of tokens: the whole softmax where all its entries are kept. */
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
    if (!curriculum || !range) return plainFeeds(settings, schedule, rows, step);
    const x = joined(settings, rows, 0);
    const noiseOf = [problem, curriculum, range, x, { seed, step }] as const;
    if (mixtureAt(settings, step)?.mixture === 'whole') {
      const { latent, ...noisy } = wholeCurriculumNoise(...noiseOf);
      return wholeMixtureFeeds(problem, { ...noisy, ...told(settings, noisy) }, latent);
    }
    const { mixture, ...noisy } = keptCurriculumNoise(...noiseOf);
    return keptMixtureFeeds(problem, told(settings, noisy), mixture);
  };
}

/** Without a curriculum. @param rows a sequence of the text each */
export function plainFeeds(
  settings: TrainingSettings,
  schedule: NoiseSchedule,
  rows: readonly Int32Array[],
  step: number,
): Feeds {
  const { problem, seed } = settings;
  const x = joined(settings, rows, 0);
  if (problem.family === 'ar') return autoregressiveFeeds(problem, x, joined(settings, rows, 1));
  return denoisingFeeds(problem, told(settings, noisyBatch(problem, schedule, x, { seed, step })));
}

function joined({ problem: { batch, length } }: TrainingSettings, rows: readonly Int32Array[], from: number) {
  const tokens = new Int32Array(batch * length);
  for (const [b, row] of rows.entries()) tokens.set(row.subarray(from, from + length), b * length);
  return tokens;
}

/** A network that is not conditioned on time reads σ = 0. */
const told = ({ timeConditioning }: TrainingSettings, noisy: NoisyBatch): NoisyBatch =>
  timeConditioning ? noisy : { ...noisy, sigma: noisy.sigma.map(() => 0) };
