/**
 * Noise levels drawn towards clean text and reweighted: the same integral as integration.ts, from draws that vary less.
 *
 * A token is noisy with probability 1−α and its loss is then of order 1/(1−α), so what z makes of a sequence's loss per
 * unit of −dα has a standard deviation near (1−α)^−1/2, whatever the model; for uniform states it also falls to nothing as
 * α → 0, where every z is noise. A weighted estimate varies least when levels are drawn in proportion to that:
 *
 *   density over α ∝ (1−α)^−1/2 · (1 − b(1−α)),     b = 0 for masked families, 4/5 for uniform states
 *
 * With s² = 1−α its distribution function is C(s) = s − (b/3)s³ up to a factor, and the cubic's inverse is
 * s = (2/√b)·sin(arcsin(3√b·C/2)/3). b < 1 keeps the weights below (s/(1−b)): a model unlike those measured
 * (bench/README.md) costs precision, never correctness.
 */
import type { Integration } from './integration.js';
import { type NoiseSchedule, sigmaOf } from './schedule.js';

/** b: how much rarer levels near α = 0 are than (1−α)^−1/2 makes them. */
export const proposalSlope = { masked: 0, uniform: 0.8 } as const;

/** @param base what is integrated: its range and measure stay as they are
 *  @param slope b in [0, 1) */
export function drawnTowardsText(base: Integration, schedule: NoiseSchedule, slope: number): Integration {
  const [noisiest, cleanest] = base.oneMinusAlphaRange;
  const cumulative = (s: number) => s - (slope / 3) * s ** 3;
  const from = cumulative(Math.sqrt(cleanest));
  const span = cumulative(Math.sqrt(noisiest)) - from;
  const root = Math.sqrt(slope);
  const inverse = (c: number) =>
    slope === 0 ? c : (2 / root) * Math.sin(Math.asin(Math.min(1, 1.5 * root * c)) / 3);
  const lastSigma = schedule.sigma(1);
  return {
    ...base,
    description: `${base.description} Levels are drawn towards clean text and reweighted.`,
    at(u) {
      const s = inverse(from + span * u);
      const oneMinusAlpha = s * s;
      const alpha = (1 - s) * (1 + s);
      return {
        t: base.protocol === 'duo' ? schedule.timeAt(alpha, oneMinusAlpha) : null,
        alpha,
        oneMinusAlpha,
        sigma: Math.min(sigmaOf(alpha, oneMinusAlpha), lastSigma),
        weight: (base.measure * 2 * s * span) / (1 - slope * oneMinusAlpha),
      };
    },
  };
}
