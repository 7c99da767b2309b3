/**
 * How a data set's loss is estimated from one (t, z) draw of each sequence, or a few.
 *
 * `plain`: the draws' mean, t as the protocol has it. `control-variate`, the default: noise levels drawn more often near clean
 * text (proposal.ts), and a control variate: the loss of a closed-form model is subtracted from every draw's loss, and its
 * mean added back. Both are unbiased for the same figure; the second has several times less variance (bench/README.md).
 *
 * uniform states   The unigram model's loss at the same x, z and α, times a coefficient β fitted on other sequences.
 * masked families  A loss h(x) of its own for each token of the vocabulary, learned from other sequences.
 *
 * A complete pass is corrected once, from its own losses and those of earlier passes: more draws do not change the result of
 * earlier ones. Nothing depends on the order in which losses arrive.
 */
import { drawTowardsText, type Integration, proposalSlope } from '../../diffusion/integration.js';
import type { NoiseSchedule } from '../../diffusion/schedule.js';
import { isMasked } from '../../models/family.js';
import type { Correction, CorrectionContext } from './correction.js';
import { DifficultyCorrection } from './difficulty-correction.js';
import type { LossModel } from './loss-batch.js';
import { UnigramCorrection } from './unigram-correction.js';

export type Estimator = 'control-variate' | 'plain';
export const estimators: readonly Estimator[] = ['control-variate', 'plain'];

/** The noise levels that an estimator draws. */
export function drawnLevels(
  estimator: Estimator,
  base: Integration,
  schedule: NoiseSchedule,
  family: LossModel['family'],
): Integration {
  if (estimator === 'plain') return base;
  return drawTowardsText(base, schedule, isMasked(family) ? proposalSlope.masked : proposalSlope.uniform);
}

/** Null where losses are not corrected. */
export function correctionOf(estimator: Estimator, context: CorrectionContext): Correction | null {
  if (estimator === 'plain') return null;
  return isMasked(context.model.family) ? new DifficultyCorrection(context) : new UnigramCorrection(context);
}
