/** The inputs of a distillation step: sequences of the text at two noise levels, a function of seed and step. */

import { sigmaOf } from '../../diffusion/schedule.js';
import { oneMinusDiffusionTransformation } from '../../diffusion/transformation.js';
import type { Feeds } from '../../models/feeds.js';
import { streams } from '../../random/streams.js';
import { fillOpenUniforms } from '../../random/uniforms.js';
import { normalUpperQuantile } from '../../statistics/normal.js';
import { float32, int64 } from '../feed-tensors.js';
import { stepTimes } from '../noise.js';
import type { TrainingText } from '../settings.js';
import { sequencesOfStep } from '../text-order.js';
import { TEACHER } from './objective.js';
import { type DistillationSettings, gammaRangeOf, gapOfRound, pairOfTimes, roundOf } from './settings.js';

/** Sequences at two noise levels. The student reads the later, noisier ones; the teacher reads the earlier ones. */
export interface PairedBatch {
  /** [batch · length] */
  later: Int32Array;
  earlier: Int32Array;
  /** −ln α(γ), which the networks read, [batch]. */
  laterSigma: Float64Array;
  earlierSigma: Float64Array;
}

export function distillationFeeds(
  settings: DistillationSettings,
  text: TrainingText,
): (step: number) => Feeds {
  const pairs = pairedBatches(settings);
  return (step) => {
    const rows = sequencesOfStep(settings.seed, text.sequences, settings.problem.batch, step);
    return pairFeeds(
      settings,
      pairs(
        rows.map((i) => text.sequence(i)),
        step,
        gapOfRound(roundOf(settings, step)),
      ),
    );
  };
}

/** @returns a function from clean sequences, whose first tokens are used, to noisy ones a gap of time apart */
export function pairedBatches(
  settings: DistillationSettings,
): (rows: readonly Int32Array[], step: number, gap: number) => PairedBatch {
  const { seed, timeConditioning } = settings;
  const { batch, length, dimensions } = settings.problem;
  const { vocabSize } = dimensions;
  const range = gammaRangeOf(settings);
  const levelAt = (time: number) => {
    const gamma = range.least + time * (range.largest - range.least);
    const oneMinusAlpha = oneMinusDiffusionTransformation(gamma, vocabSize);
    const sigma = timeConditioning ? sigmaOf(1 - oneMinusAlpha, oneMinusAlpha) : 0;
    return { ratio: Math.exp(-gamma / 2), sigma };
  };
  const uniforms = new Float64Array(UNIFORMS_PER_TOKEN * length);
  return (rows, step, gap) => {
    const made: PairedBatch = {
      later: new Int32Array(batch * length),
      earlier: new Int32Array(batch * length),
      laterSigma: new Float64Array(batch),
      earlierSigma: new Float64Array(batch),
    };
    for (const [b, time] of stepTimes({ seed, step }, batch).entries()) {
      const { t, s } = pairOfTimes(time, gap);
      const [later, earlier] = [levelAt(t), levelAt(s)];
      made.laterSigma[b] = later.sigma;
      made.earlierSigma[b] = earlier.sigma;
      fillOpenUniforms(uniforms, { seed, stream: streams.distillationNoise, sequence: b, step });
      const part = (tokens: Int32Array) => tokens.subarray(b * length, (b + 1) * length);
      noisePair(
        { later: part(made.later), earlier: part(made.earlier) },
        rows[b].subarray(0, length),
        { later: later.ratio, earlier: earlier.ratio },
        vocabSize,
        uniforms,
      );
    }
    return made;
  };
}

export function pairFeeds(
  { problem: { batch, length } }: { problem: { batch: number; length: number } },
  { later, earlier, laterSigma, earlierSigma }: PairedBatch,
): Feeds {
  return {
    input_ids: int64(later, [batch, length]),
    sigma: float32(laterSigma, [batch]),
    [TEACHER.ids]: int64(earlier, [batch, length]),
    [TEACHER.sigma]: float32(earlierSigma, [batch]),
  };
}

/**
 * argmax(α̃x + σ̃ε) at two noise levels, for one ε of K normal numbers.
 *
 * Let M be the largest ε of the tokens other than x. Its token is the largest of these at every level, and it beats x where
 * σ̃M > α̃ + σ̃ε_x. So a pair takes three uniforms per token: for ε_x, for M, and for the token of M. As the noise grows, x is
 * replaced by that token and by no other:
 *
 *     z = x where α̃/σ̃ = e^{−γ/2} ≥ M − ε_x, otherwise the other
 */
export const UNIFORMS_PER_TOKEN = 3;

export interface NoisePair {
  /** Tokens at the two levels, [x.length] each. */
  later: Int32Array;
  earlier: Int32Array;
}

/**
 * @param x clean tokens
 * @param ratios α̃/σ̃ of the later and of the earlier level
 * @param uniforms of (0, 1), independent: UNIFORMS_PER_TOKEN each
 */
export function noisePair(
  { later, earlier }: NoisePair,
  x: Int32Array,
  ratios: { later: number; earlier: number },
  vocabSize: number,
  uniforms: Float64Array,
): void {
  const others = vocabSize - 1;
  for (let l = 0; l < x.length; l++) {
    const own = normalUpperQuantile(uniforms[3 * l]);
    // The largest of n uniforms is V^{1/n}.
    const largest = normalUpperQuantile(-Math.expm1(Math.log(uniforms[3 * l + 1]) / others));
    const place = Math.floor(uniforms[3 * l + 2] * others);
    const other = place < x[l] ? place : place + 1;
    const lead = largest - own;
    later[l] = ratios.later >= lead ? x[l] : other;
    earlier[l] = ratios.earlier >= lead ? x[l] : other;
  }
}
