/**
 * How a data set's loss is estimated from one (t, z) draw of each sequence, or a few.
 *
 * `plain`: the draws' mean, t as the protocol has it. `control-variate`: noise levels drawn more often near clean text
 * (integration.ts), and a control variate: the loss of a closed-form model is subtracted from every draw's loss, and its
 * mean added back. Both are unbiased for the same figure; the second has several times less variance (bench/README.md).
 *
 * `exact-count`, for mdlm: the number of masks is drawn instead of a noise level (diffusion/exact-count.ts), with the same
 * control variate. It varies less on texts of up to some hundred tokens and as much on longer ones (bench/README.md), so it is
 * mdlm's default; that of other families is `control-variate`.
 *
 * uniform states   The unigram model's loss at the same x, z and α, times a coefficient β fitted on other sequences.
 * masks and uniform noise together   As uniform states.
 * masked families  A loss h(x) of its own for each token of the vocabulary, learned from other sequences.
 *
 * A complete pass is corrected once, from its own losses and those of earlier passes: more draws do not change the result of
 * earlier ones. Nothing depends on the order in which losses arrive.
 */
import { countPower, exactCounts } from '../../diffusion/exact-count.js';
import {
  type DrawnIntegration,
  drawTowardsText,
  type Integration,
  proposalSlope,
} from '../../diffusion/integration.js';
import type { NoiseSchedule } from '../../diffusion/schedule.js';
import { UsageError } from '../../errors.js';
import { isMasked, isUniformState } from '../../models/family.js';
import type { Correction, CorrectionContext } from './correction.js';
import { DifficultyCorrection } from './difficulty-correction.js';
import type { LossModel } from './loss-batch.js';
import { UnigramCorrection } from './unigram-correction.js';

export type Estimator = 'control-variate' | 'plain' | 'exact-count';
export const estimators: readonly Estimator[] = ['control-variate', 'plain', 'exact-count'];

/** Exact counts integrate a loss that depends on the noise level through 1/(1−α) alone, which mdlm's is; ar needs no estimator. */
export function isEstimatorOf(estimator: Estimator, family: LossModel['family']): boolean {
  return estimator !== 'exact-count' || family === 'mdlm' || family === 'ar';
}

/** @param asked null: the one that varies least for the family */
export function estimatorOf(asked: Estimator | null, family: LossModel['family']): Estimator {
  return asked ?? (family === 'mdlm' ? 'exact-count' : 'control-variate');
}

/** @throws UsageError where a model of the family has no such estimator */
export function checkEstimator(
  estimator: Estimator | null,
  { name, family }: { name: string; family: LossModel['family'] },
): void {
  if (isEstimatorOf(estimatorOf(estimator, family), family)) return;
  throw new UsageError({
    code: 'estimator-does-not-fit',
    message: `Exact counts of masks estimate the loss of mdlm models; ${name} is of the family ${family}.`,
    hint: 'Leave out --estimator exact-count, or evaluate this model in a run of its own.',
  });
}

/** What the levels that an estimator draws depend on. */
export interface DrawnFor {
  schedule: NoiseSchedule;
  family: LossModel['family'];
  /** Whether the network reads the noise level. */
  readsTime: boolean;
}

/** The noise levels that an estimator draws. */
export function drawnLevels(
  estimator: Estimator,
  base: Integration,
  { schedule, family, readsTime }: DrawnFor,
): DrawnIntegration {
  switch (estimator) {
    case 'plain':
      return base;
    case 'exact-count':
      return exactCounts(base, { schedule, readsTime, power: countPower.towardsText });
    case 'control-variate': {
      const slope = isUniformState(family) ? proposalSlope.uniform : proposalSlope.masked;
      return drawTowardsText(base, schedule, slope);
    }
  }
}

/** Null where losses are not corrected. */
export function correctionOf(estimator: Estimator, context: CorrectionContext): Correction | null {
  if (estimator === 'plain') return null;
  return isMasked(context.model.family) ? new DifficultyCorrection(context) : new UnigramCorrection(context);
}
