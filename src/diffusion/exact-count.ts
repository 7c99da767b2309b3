/**
 * Exact-count masks: instead of a noise level at which each token is masked or not, a number k of masks, of 1 … L, and a uniform
 * subset M of k positions. For the loss of mdlm, per unit of −dα,
 *
 *   f(m) = E_M[Λ(M)]/m,     Λ(M) = Σ_{l∈M} −ln x_θ(x_l | z),     m = 1−α, each position in M with probability m
 *
 * and with Λ_k the mean of Λ over subsets of size k, a protocol's integral over m from a to b is a sum over k:
 *
 *   ∫_a^b f dm = Σ_k C(L, k)·Λ_k·∫_a^b m^{k−1}(1−m)^{L−k} dm = Σ_k (1/k)·D_k·Λ_k,     D_k = I_b(k, L−k+1) − I_a(k, L−k+1)
 *
 * since C(L, k)·B(k, L−k+1) = 1/k; I is the regularised incomplete beta function. So a draw of k with probability q_k is worth
 * measure·D_k/(k·q_k)·Λ(M), on average exactly what the protocol integrates, whatever its schedule: only the ends of the range
 * count. Given k, m follows Beta(k, L−k+1) within [a, b], which is what a network with time conditioning reads.
 *
 * q: the standard deviation of Λ(M)/k over subsets is near k^{−1/2}, and a weighted sum varies least when its terms are drawn in
 * proportion to that. With q uniform, k and M are those of LLaDA (arXiv 2502.09992).
 */
import { incompleteBetaInverse, incompleteBetas } from '../statistics/incomplete-beta.js';
import { type DrawnIntegration, firstAbove, type Integration } from './integration.js';
import { type NoiseSchedule, sigmaOf } from './schedule.js';

/** q_k ∝ k^−power. */
export const countPower = { uniform: 0, towardsText: 0.5 } as const;

interface Counts {
  /** At k: Σ_{j≤k} q_j; 0 at 0. */
  cumulative: Float64Array;
  /** At k: I at the ends of the range, a and b. */
  from: Float64Array;
  to: Float64Array;
}

/** @param base what is integrated   @param readsTime whether the network reads the noise level   @param power of q */
export function exactCounts(
  base: Integration,
  { schedule, readsTime, power }: { schedule: NoiseSchedule; readsTime: boolean; power: number },
): DrawnIntegration {
  const { alphaRange, oneMinusAlphaRange, measure } = base;
  const [b, a] = oneMinusAlphaRange;
  const lastSigma = schedule.sigma(1);
  const byLength = new Map<number, Counts>();
  const countsOf = (length: number): Counts => {
    const counts = byLength.get(length) ?? {
      cumulative: cumulativeOf(length, power),
      from: incompleteBetas(length, a, alphaRange[1]),
      to: incompleteBetas(length, b, alphaRange[0]),
    };
    byLength.set(length, counts);
    return counts;
  };
  return {
    ...base,
    description: `${base.description} The number of masks is drawn, fewer more often, and reweighted.`,
    at(u, length) {
      const { cumulative, from, to } = countsOf(length);
      const masked = firstAbove(cumulative, u);
      const q = cumulative[masked] - cumulative[masked - 1];
      const within = to[masked] - from[masked];
      const m = readsTime
        ? incompleteBetaInverse(length, masked, from[masked] + ((u - cumulative[masked - 1]) / q) * within, [
            a,
            b,
          ])
        : masked / length;
      return {
        t: null,
        masked,
        alpha: 1 - masked / length,
        oneMinusAlpha: masked / length,
        sigma: Math.min(sigmaOf(1 - m, m), lastSigma),
        weight: (measure * within) / (length * q),
      };
    },
  };
}

function cumulativeOf(length: number, power: number): Float64Array {
  const cumulative = new Float64Array(length + 1);
  for (let k = 1; k <= length; k++) cumulative[k] = cumulative[k - 1] + k ** -power;
  const total = cumulative[length];
  return cumulative.map((sum) => sum / total);
}
