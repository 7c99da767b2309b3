/**
 * The loss of an exact model of a Markov chain on a sequence, in closed form.
 *
 * Integrated over all noise levels the loss is −ln p(x) (ar: token by token, for the families by their bound, which the
 * exact denoiser meets). A protocol integrates from α_lo to α_hi only. What it leaves out at either end is a sum over
 * tokens of D of control-variate.ts, the integral of the loss of a model whose answer is the same whatever z is: near
 * α = 1 the others are clean, so the exact model's answer at l is p(x_l | its neighbours); near α = 0 they are noise, and
 * it is the position's marginal:
 *
 *   closed form = measure · [ −ln p(x) − Σ_l (D_l(1) − D_l(α_hi) of p(·|neighbours)) − Σ_l (D_l(α_lo) − D_l(0) of p_l) ]
 *
 * For independent tokens this is exact. For a chain its error is of second order in 1−α_hi and α_lo (a neighbour that is
 * noisy as well): nothing under `strict`, where 1−α_hi = 1e-6; under `duo`, by simulation, below 1e-5 nats per token for
 * the chain of K = 3; 7e-5 (log-linear) and 1.3e-4 (cosine) for the one of K = 100, whose Monte Carlo error in a
 * calibration is a hundred times that.
 *
 * Below its schedule's last α, `strict` shows the network that last σ. Independent tokens and masked families do not read
 * it. A uniform-state chain does, but is little off where the loss itself is O(α): less than 1e-8 nats per token.
 */
import {
  type ControlVariate,
  maskedControlVariate,
  uniformControlVariate,
} from '../../diffusion/control-variate.js';
import type { Integration } from '../../diffusion/integration.js';
import type { AlphaLevel } from '../../diffusion/schedule.js';
import { isMasked } from '../../models/family.js';
import { type MarkovChain, negativeLogProbabilities } from '../../models/sources/markov.js';
import type { SourceFamily } from '../../models/sources/markov-denoiser.js';

export interface ClosedForm {
  /** −ln p(x), nats: the whole integral. */
  whole: number;
  /** The protocol's share of it, nats. */
  overRange: number;
}

/** −ln p of a sequence's scored tokens: all, but for ar the first. Nats. */
function negativeLogProbability(chain: MarkovChain, x: Int32Array, family: SourceFamily): number {
  const tokens = negativeLogProbabilities(chain, x);
  return tokens.subarray(family === 'ar' ? 1 : 0).reduce((sum, nats) => sum + nats, 0);
}

/** @param integration null for ar, which has no noise levels */
export function closedForm(
  chain: MarkovChain,
  family: SourceFamily,
  integration: Omit<Integration, 'at'> | null,
): (x: Int32Array) => ClosedForm {
  if (integration === null) {
    return (x) => {
      const whole = negativeLogProbability(chain, x, family);
      return { whole, overRange: whole };
    };
  }
  const { alphaRange, oneMinusAlphaRange, measure } = integration;
  const low: AlphaLevel = { alpha: alphaRange[0], oneMinusAlpha: oneMinusAlphaRange[0] };
  const high: AlphaLevel = { alpha: alphaRange[1], oneMinusAlpha: oneMinusAlphaRange[1] };
  const integrals = (p: Float64Array): ControlVariate =>
    isMasked(family) ? maskedControlVariate(p, chain.vocabSize) : uniformControlVariate(p);

  const marginals: Float64Array[] = [chain.initial];
  const marginal = (l: number): Float64Array => {
    while (marginals.length <= l) marginals.push(oneStepOn(chain, marginals[marginals.length - 1]));
    return marginals[l];
  };

  return (x) => {
    const whole = negativeLogProbability(chain, x, family);
    let leftOut = 0;
    for (let l = 0; l < x.length; l++) {
      const clean = integrals(conditional(chain, x[l - 1] ?? null, x[l + 1] ?? null));
      leftOut += clean.integral(x[l], { alpha: 1, oneMinusAlpha: 0 }) - clean.integral(x[l], high);
      if (low.alpha > 0) {
        const noise = integrals(marginal(l));
        leftOut += noise.integral(x[l], low) - noise.integral(x[l], { alpha: 0, oneMinusAlpha: 1 });
      }
    }
    return { whole, overRange: measure * (whole - leftOut) };
  };
}

/** p(x_{l+1}) from p(x_l), both [K]. */
function oneStepOn({ vocabSize: K, transition }: MarkovChain, p: Float64Array): Float64Array {
  const next = new Float64Array(K);
  for (let v = 0; v < K; v++) for (let w = 0; w < K; w++) next[w] += p[v] * transition[v * K + w];
  return next;
}

/** p(x_l | x_{l−1}, x_{l+1}), [K]; null where the sequence ends. */
function conditional(
  { vocabSize: K, initial, transition }: MarkovChain,
  before: number | null,
  after: number | null,
): Float64Array {
  const p = Float64Array.from({ length: K }, (_, v) => {
    const arrival = before === null ? initial[v] : transition[before * K + v];
    return arrival * (after === null ? 1 : transition[v * K + after]);
  });
  const sum = p.reduce((total, q) => total + q, 0);
  return p.map((q) => q / sum);
}
