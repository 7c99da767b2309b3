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
 *
 * Block diffusion knows the tokens of earlier blocks and nothing of later ones: near α = 1 the last token of a block has a neighbour
 * to its left alone, and near α = 0 the answer is p(x_l | the last token before its block). Its first token is given.
 *
 * In discrete time the bound of T steps is no longer −ln p(x), not even for an exact model: see {@link stepsClosedForm}.
 */
import {
  type ControlVariate,
  maskedControlVariate,
  mixedControlVariate,
  uniformControlVariate,
} from '../../diffusion/control-variate.js';
import type { Integration } from '../../diffusion/integration.js';
import type { AlphaLevel, NoiseSchedule, Protocol } from '../../diffusion/schedule.js';
import { isFirstGiven, isInBlocks, isMasked, isMixed } from '../../models/family.js';
import { type MarkovChain, negativeLogProbabilities } from '../../models/sources/markov.js';
import { SOURCE_BLOCK, type SourceFamily } from '../../models/sources/markov-denoiser.js';

export interface ClosedForm {
  /** −ln p(x), nats: in continuous time, the whole integral. */
  whole: number;
  /** The protocol's share of it, nats. */
  overRange: number;
}

/** −ln p of a sequence's scored tokens: all, or all but a first one that is given. Nats. */
function negativeLogProbability(chain: MarkovChain, x: Int32Array, family: SourceFamily): number {
  const tokens = negativeLogProbabilities(chain, x);
  return tokens.subarray(isFirstGiven({ family }) ? 1 : 0).reduce((sum, nats) => sum + nats, 0);
}

/** @param integration, schedule null for ar, which has no noise levels */
export function closedForm(
  chain: MarkovChain,
  family: SourceFamily,
  integration: Omit<Integration, 'at'> | null,
  schedule: NoiseSchedule | null = null,
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
    isMixed(family) && schedule
      ? mixedControlVariate([...p, 0], chain.vocabSize, schedule)
      : isMasked(family)
        ? maskedControlVariate(p, chain.vocabSize)
        : uniformControlVariate(p);

  const inBlocks = isInBlocks(family);
  const power = powersOf(chain);

  return (x) => {
    const whole = negativeLogProbability(chain, x, family);
    let leftOut = 0;
    for (let l = isFirstGiven({ family }) ? 1 : 0; l < x.length; l++) {
      const start = inBlocks ? l - (l % SOURCE_BLOCK) : 0;
      const after = inBlocks && l + 1 === start + SOURCE_BLOCK ? null : (x[l + 1] ?? null);
      const clean = integrals(conditional(chain, x[l - 1] ?? null, after));
      leftOut += clean.integral(x[l], { alpha: 1, oneMinusAlpha: 0 }) - clean.integral(x[l], high);
      if (low.alpha > 0) {
        // the nearest token that is given at every level
        const given = inBlocks ? Math.max(0, start - 1) : null;
        const noise = integrals(marginal(chain, given === null ? null : x[given], power(l - (given ?? 0))));
        leftOut += noise.integral(x[l], low) - noise.integral(x[l], { alpha: 0, oneMinusAlpha: 1 });
      }
    }
    return { whole, overRange: measure * (whole - leftOut) };
  };
}

/** p(x_l), [K], from a token some steps before it, or from p(x_1). @param power of the transition matrix, one per step */
function marginal(
  { vocabSize: K, initial }: MarkovChain,
  from: number | null,
  power: Float64Array,
): Float64Array {
  if (from !== null) return power.slice(from * K, (from + 1) * K);
  const p = new Float64Array(K);
  for (let v = 0; v < K; v++) for (let w = 0; w < K; w++) p[w] += initial[v] * power[v * K + w];
  return p;
}

/** Pⁿ, [K × K], by n. */
function powersOf({ vocabSize: K, transition }: MarkovChain): (n: number) => Float64Array {
  const powers = [identity(K)];
  return (n) => {
    while (powers.length <= n) powers.push(product(powers[powers.length - 1], transition, K));
    return powers[n];
  };
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

/**
 * The bound of discrete time, of the exact model of a chain that gives the mask the probability μ = 1/2 everywhere
 * (models/sources/markov-denoiser.ts). With m_i = 1−α at step i, a token is masked with probability m_i, its nearest revealed
 * neighbours are a to the left and b to the right of it with probability m^{a+b−2}(1−m)², one factor 1−m less at each end of the text,
 * and it is then predicted from these two alone. So with F(m) the mean of Σ −ln p(x_l | revealed tokens) over the masked l,
 *
 *   bound = Σ_i w_i·{ (1 − m_{i−1}/m_i)·F(m_i) + L·[(m_i − m_{i−1})·(A_i − ln(1−μ)) + m_{i−1}·(A_i − A_{i−1})] } + reconstruction
 *
 * where A = ln(1 + μ(1−m)/m), w_i is 1 in `strict` and T times the share of t in `duo`, and the reconstruction of a clean text is
 * that of each token by both its neighbours.
 */
export function stepsClosedForm(
  chain: MarkovChain,
  schedule: NoiseSchedule,
  steps: number,
  protocol: Protocol,
): (x: Int32Array) => ClosedForm {
  const tokenShare = Math.log(1 / 2);
  const levels = Float64Array.from({ length: steps + 1 }, (_, i) =>
    i === steps && protocol === 'strict' ? 1 : schedule.oneMinusAlpha(i / steps),
  );
  const weights = levels.map((_, i) => {
    if (protocol === 'strict') return 1;
    return (steps * Math.max(0, i / steps - Math.max(1e-3, (i - 1) / steps))) / (1 - 1e-3);
  });
  const excess = (m: number) => Math.log1p((1 - m) / (2 * m));
  const power = powersOf(chain);
  return (x) => {
    const masked = maskedCost(chain, x, power);
    let overRange = 0;
    for (let i = 1; i <= steps; i++) {
      const [m, next] = [levels[i], levels[i - 1]];
      const revealed = (m - next) * (excess(m) - tokenShare);
      const kept = next === 0 ? 0 : next * (excess(m) - excess(next));
      overRange += weights[i] * ((1 - next / m) * masked(m) + x.length * (revealed + kept));
    }
    for (let l = 0; l < x.length; l++) {
      const p = conditional(chain, x[l - 1] ?? null, x[l + 1] ?? null);
      overRange -= tokenShare + Math.log(p[x[l]]);
    }
    return { whole: negativeLogProbability(chain, x, 'd3pm'), overRange };
  };
}

/** F(m): nats of the masked tokens of x, on average over the masks of a level. @param power of the transition matrix */
function maskedCost(
  chain: MarkovChain,
  x: Int32Array,
  power: (n: number) => Float64Array,
): (m: number) => number {
  const { length } = x;
  const { vocabSize: K } = chain;
  /** ln p of the token at l, from nothing before. */
  const fromStart = Float64Array.from(x, (token, l) => Math.log(marginal(chain, null, power(l))[token]));
  const between = (from: number, to: number) => Math.log(power(to - from)[x[from] * K + x[to]]);
  /** [revealed neighbours][masked tokens between them] */
  const costs = Array.from({ length: 3 }, () => new Float64Array(length));
  for (let l = 0; l < length; l++) {
    for (let before = l - 1; before >= -1; before--) {
      for (let after = l + 1; after <= length; after++) {
        const arrival = before < 0 ? fromStart[l] : between(before, l);
        const given =
          after === length
            ? arrival
            : arrival + between(l, after) - (before < 0 ? fromStart[after] : between(before, after));
        costs[Number(before >= 0) + Number(after < length)][after - before - 2] -= given;
      }
    }
  }
  return (m) => {
    let sum = 0;
    for (const [neighbours, ofMasked] of costs.entries())
      for (const [n, cost] of ofMasked.entries()) sum += cost * m ** (n + 1) * (1 - m) ** neighbours;
    return sum;
  };
}

const identity = (K: number): Float64Array =>
  Float64Array.from({ length: K * K }, (_, i) => Number(i % (K + 1) === 0));

/** The product of two K × K matrices. */
function product(a: Float64Array, b: Float64Array, K: number): Float64Array {
  const c = new Float64Array(K * K);
  for (let u = 0; u < K; u++)
    for (let v = 0; v < K; v++) for (let w = 0; w < K; w++) c[u * K + w] += a[u * K + v] * b[v * K + w];
  return c;
}
