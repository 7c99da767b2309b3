/**
 * One step of the reverse process without a distribution over the vocabulary: z_s is one of a few components, and their
 * weights need only x_θ of the present token. Expand q(z_s | z_t, x_θ) of arXiv 2506.10892 (eq. 4) and its mixture with the
 * noised clean posterior, (1−κ)·q(z_s | z_0) (arXiv 2602.21185), and collect the factors of x_θ, of the one-hot of z and of
 * the uniform distribution:
 *
 *   uniform states   z_s ~ draw · x_θ + stay · [z] + uniform · 1/K
 *   masked           a mask is unmasked by a draw from x_θ, or stays; a clean token stays, or is masked again
 *   mixed            z_s ~ draw · x_θ + stay · [z] + uniform · 1/(K−1) + mask · [mask]   (arXiv 2503.04482, section 3.1)
 *   SEDD, analytic   a mask is unmasked by a draw from the scores, or stays (arXiv 2310.16834, algorithm 2)
 *
 * κ = 1 is ancestral sampling. All in float64; the sums of weights are 1 up to rounding.
 */

import type { AlphaLevel } from './schedule.js';

/** No noise: where the last step ends. */
export const CLEAN: AlphaLevel = { alpha: 1, oneMinusAlpha: 0 };

/** Probabilities of the three components of z_s. */
export interface UniformStateWeights {
  /** The draw from x_θ. */
  draw: number;
  /** The present token. */
  stay: number;
  /** Any token of the vocabulary, all equally likely. */
  uniform: number;
}

/**
 * @param t level of z, 0 < α_t   @param s level of the result, α_s ≥ α_t   @param vocabSize K
 * @param present x_θ of the present token   @param kappa κ in [0, 1]
 */
export function uniformStateWeights(
  t: AlphaLevel,
  s: AlphaLevel,
  vocabSize: number,
  present: number,
  kappa: number,
): UniformStateWeights {
  const shown = vocabSize * t.alpha * present;
  const D = shown + t.oneMinusAlpha;
  // A clean level on both sides leaves z as it is; then D is 0 if x_θ also excludes z.
  if (t.oneMinusAlpha === 0 || D === 0) return { draw: 0, stay: 1, uniform: 0 };
  const rise = alphaRise(t, s);
  const ratio = t.alpha / s.alpha;
  return {
    draw: (kappa * rise) / D + ((1 - kappa) * s.alpha * t.oneMinusAlpha) / D,
    stay: (kappa * (shown + ratio * s.oneMinusAlpha)) / D + ((1 - kappa) * s.alpha * shown) / D,
    uniform: (kappa * (rise / s.alpha) * s.oneMinusAlpha) / D + (1 - kappa) * s.oneMinusAlpha,
  };
}

/** Probabilities of the components of z_s where noise is the mask and any other token. */
export interface MixedWeights extends UniformStateWeights {
  mask: number;
}

/**
 * Ancestral: q(z_s | z_t, x_θ) ∝ q(z_t | z_s)·q(z_s | x_θ), where q(z_t | z_s) = α_t/α_s·[z_s = z_t] + j and j is the probability that
 * noise z_t came in between: that of z_t less α_t/α_s times that of s.
 * @param isMask whether z is the mask   @param present x_θ of z, 0 for the mask
 */
export function mixedWeights(
  t: AlphaLevel,
  s: AlphaLevel,
  { vocabSize, isMask, present }: { vocabSize: number; isMask: boolean; present: number },
): MixedWeights {
  const parts = ({ oneMinusAlpha, mixed }: AlphaLevel) => {
    const uniform = mixed?.uniform ?? 0;
    const mask = oneMinusAlpha - uniform;
    return { uniform, mask, ofZ: isMask ? mask : uniform / (vocabSize - 1) };
  };
  const [noisier, cleaner] = [parts(t), parts(s)];
  const D = t.alpha * present + noisier.ofZ;
  if (D === 0) return { draw: 0, stay: 1, uniform: 0, mask: 0 };
  const kept = t.alpha / s.alpha;
  const came = Math.max(0, noisier.ofZ - kept * cleaner.ofZ);
  return {
    draw: (came * s.alpha) / D,
    stay: (kept * (s.alpha * present + cleaner.ofZ)) / D,
    uniform: (came * cleaner.uniform) / D,
    mask: (came * cleaner.mask) / D,
  };
}

/**
 * Probability that a masked token becomes a draw from x_θ.
 * @param kappa κ in [0, 1]
 * @param ofMask what the network gives the mask itself (d3pm): the rest of that is shared out among the tokens in the draw. At the
 *   last step, where no mask may stay, it counts for nothing
 */
export function unmaskProbability(t: AlphaLevel, s: AlphaLevel, kappa: number, ofMask = 0): number {
  if (t.oneMinusAlpha === 0 || s.oneMinusAlpha === 0) return 1;
  const ancestral = (alphaRise(t, s) * (1 - ofMask)) / (t.oneMinusAlpha + t.alpha * ofMask);
  return kappa * ancestral + (1 - kappa) * s.alpha;
}

/** Probability that a clean token becomes the mask again. */
export function remaskProbability(s: AlphaLevel, kappa: number): number {
  return (1 - kappa) * s.oneMinusAlpha;
}

/**
 * SEDD's analytic (staggered-score) step: with Δ = e^{σ_t − σ_s} − 1, a mask becomes v with weight Δ·s_v and stays with
 * weight 1 − Δ·Σ_v s_v, a negative weight counting as 0. The last step, to σ_s = 0, gives the mask no weight.
 * @param scoreSum Σ_v s_v over the tokens   @returns the probability that a mask becomes a draw from the scores
 */
export function analyticUnmaskProbability(t: AlphaLevel, s: AlphaLevel, scoreSum: number): number {
  if (s.oneMinusAlpha === 0) return 1;
  // e^{σ_t − σ_s} = α_s/α_t.
  const change = alphaRise(t, s) / t.alpha;
  return Math.min(1, change * scoreSum);
}

/** α_s − α_t, from α or from 1 − α, whichever is more exact. */
function alphaRise(t: AlphaLevel, s: AlphaLevel): number {
  return s.alpha > 0.5 && t.alpha > 0.5 ? t.oneMinusAlpha - s.oneMinusAlpha : s.alpha - t.alpha;
}
