/**
 * The control variate: the loss of the unigram model (x_θ(v) = p(v) for any z) at the same x, z and α as the network's loss.
 * It needs no model call, correlates with the network's loss, and its integral is known in closed form:
 *
 *   E_z ∫_{α_lo}^{α_hi} f dα = D(α_hi) − D(α_lo),     f = loss per unit of −dα;     D(1) − D(0) = −ln p(x)
 *
 *   masked (MDLM; SEDD with the scores p(v)/(e^σ−1), whose loss is the same)
 *     f = −ln p(x)/(1−α) where z is the mask, else 0;     D = −α·ln p(x)
 *   uniform states (Duo), x̄ = Kαp + 1−α, B = Σ_v ln x̄_v, A(α) = (1 − 1/K)(1−α)·ln(1−α)
 *     D = (α + (1−α)/K)·ln(Kα+1−α) + A − ((1−α)/K)·B − α·ln x̄_x
 *     f = uniformStateLoss of p, with its sums over v taken from B, so that a token costs O(1)
 *
 *   masks and uniform noise together (GIDD): D = KL(q(z|x) ‖ q(z|p)) and f as in heads/mixed-noise.ts, whose symbols are used
 *
 * Not responsible for its coefficient or for the sequences that it is fitted on.
 */
import { DataError } from '../errors.js';
import type { Integration } from './integration.js';
import { type AlphaLevel, levelOfAlpha, type NoiseSchedule } from './schedule.js';

export interface ControlVariate {
  /** f of each token at one noise level, [length], into `out`. */
  losses(out: Float64Array, x: ArrayLike<number>, z: ArrayLike<number>, level: AlphaLevel): Float64Array;
  /** D(α) of a token x, nats. */
  integral(x: number, level: AlphaLevel): number;
}

/** The mean over u of Σ_tokens weight·f under a protocol: measure·(D(α_hi) − D(α_lo)) summed over the tokens. */
export function controlVariateExpectation(
  control: ControlVariate,
  x: ArrayLike<number>,
  {
    alphaRange,
    oneMinusAlphaRange,
    measure,
  }: Pick<Integration, 'alphaRange' | 'oneMinusAlphaRange' | 'measure'>,
): number {
  const low: AlphaLevel = { alpha: alphaRange[0], oneMinusAlpha: oneMinusAlphaRange[0] };
  const high: AlphaLevel = { alpha: alphaRange[1], oneMinusAlpha: oneMinusAlphaRange[1] };
  let sum = 0;
  for (let l = 0; l < x.length; l++) sum += control.integral(x[l], high) - control.integral(x[l], low);
  return measure * sum;
}

/** p(v) by add-one counts, [vocab]: positive on every token, 0 on the mask.
 *  @param counts how often each token occurs in the whole packed stream, [vocab]
 *  @throws DataError when the stream holds the mask token */
export function unigramFromCounts(counts: ArrayLike<number>, maskTokenId: number | null): Float64Array {
  const p = Float64Array.from(counts, (count) => count + 1);
  if (maskTokenId !== null && maskTokenId < p.length) {
    if (counts[maskTokenId] > 0) {
      throw new DataError({
        code: 'mask-token-in-text',
        message: `The packed text holds the mask token ${maskTokenId} ${counts[maskTokenId]} times.`,
        hint: 'Check maskTokenId in the card, or the tokenizer: text must not contain the mask.',
      });
    }
    p[maskTokenId] = 0;
  }
  let total = 0;
  for (const q of p) total += q;
  return p.map((q) => q / total);
}

/** For the masked families. @param p the unigram distribution, [vocab], 0 on the mask */
export function maskedControlVariate(p: ArrayLike<number>, maskTokenId: number): ControlVariate {
  return {
    losses(out, x, z, { oneMinusAlpha }) {
      for (let l = 0; l < x.length; l++)
        out[l] = z[l] === maskTokenId ? -Math.log(p[x[l]]) / oneMinusAlpha : 0;
      return out;
    },
    integral: (x, { alpha }) => -alpha * Math.log(p[x]),
  };
}

/** The loss of one token by x̄ at its true token x and its noisy one z. @param sum B(α)   @param K size of the vocabulary */
function uniformTokenLoss(
  { alpha, oneMinusAlpha }: AlphaLevel,
  { K, sum, atX, atZ, isSame }: { K: number; sum: number; atX: number; atZ: number; isSame: boolean },
): number {
  const Ka = K * alpha;
  const c = oneMinusAlpha / (Ka + oneMinusAlpha);
  const logC = Math.log(c);
  const logAtZ = Math.log(atZ);
  // Σ_{v≠z} ρ̂_v, from Σ_v x̄_v = K; and Σ_{v≠z} ln ρ̂_v.
  const ratios = (K - atZ) / atZ;
  const logRatios = sum - K * logAtZ;
  if (isSame) return (ratios - (K - 1) * c - c * (logRatios - (K - 1) * logC)) / Ka;
  const logRatioAtX = Math.log(atX) - logAtZ;
  return (ratios - (K - 2) - 1 / c - (logRatios - logRatioAtX) - (logRatioAtX + logC) / c) / Ka;
}

/** D(α) of a token. @param atX x̄_x   @param sum B(α) */
function uniformTokenIntegral(
  { alpha, oneMinusAlpha }: AlphaLevel,
  { K, sum, atX }: { K: number; sum: number; atX: number },
): number {
  const toChance = oneMinusAlpha === 0 ? 0 : oneMinusAlpha * Math.log(oneMinusAlpha);
  return (
    (alpha + oneMinusAlpha / K) * Math.log(K * alpha + oneMinusAlpha) +
    (1 - 1 / K) * toChance -
    (oneMinusAlpha / K) * sum -
    alpha * Math.log(atX)
  );
}

/** For uniform states. @param p the unigram distribution, [vocab], positive; K is its length */
export function uniformControlVariate(p: ArrayLike<number>): ControlVariate {
  const K = p.length;
  const repeated = distinctValues(p);
  /** B(α) = Σ_v ln x̄_v, each distinct p(v) once: add-one counts take few values. */
  const logSum = ({ alpha, oneMinusAlpha }: AlphaLevel) => {
    let sum = 0;
    for (const [value, times] of repeated) sum += times * Math.log(K * alpha * value + oneMinusAlpha);
    return sum;
  };
  /** The two latest levels: an integral is taken between two, for one token after another. */
  let known: (AlphaLevel & { sum: number })[] = [];
  const cachedLogSum = ({ alpha, oneMinusAlpha }: AlphaLevel) => {
    let found = known.find((level) => level.oneMinusAlpha === oneMinusAlpha && level.alpha === alpha);
    if (!found) {
      found = { alpha, oneMinusAlpha, sum: logSum({ alpha, oneMinusAlpha }) };
      known = [found, ...known.slice(0, 1)];
    }
    return found.sum;
  };
  const xBar = (v: number, { alpha, oneMinusAlpha }: AlphaLevel) => K * alpha * p[v] + oneMinusAlpha;

  return {
    losses(out, x, z, level) {
      const sum = logSum(level);
      for (let l = 0; l < x.length; l++) {
        const [atX, atZ] = [xBar(x[l], level), xBar(z[l], level)];
        out[l] = uniformTokenLoss(level, { K, sum, atX, atZ, isSame: z[l] === x[l] });
      }
      return out;
    },
    integral: (x, level) => uniformTokenIntegral(level, { K, sum: cachedLogSum(level), atX: xBar(x, level) }),
  };
}

/**
 * For uniform states without counts of a text: the loss of a model that gives each true token the probability q, and all others
 * the same. It depends on whether z is x alone, and so does the spike of a network's loss near clean text.
 */
export function evenControlVariate(K: number, q: number): ControlVariate {
  const other = (1 - q) / (K - 1);
  const facts = ({ alpha, oneMinusAlpha }: AlphaLevel) => {
    const atX = K * alpha * q + oneMinusAlpha;
    const atOther = K * alpha * other + oneMinusAlpha;
    return { K, atX, atOther, sum: Math.log(atX) + (K - 1) * Math.log(atOther) };
  };
  return {
    losses(out, x, z, level) {
      const { atOther, ...known } = facts(level);
      for (let l = 0; l < x.length; l++) {
        const isSame = z[l] === x[l];
        out[l] = uniformTokenLoss(level, { ...known, isSame, atZ: isSame ? known.atX : atOther });
      }
      return out;
    },
    integral: (_, level) => uniformTokenIntegral(level, facts(level)),
  };
}

/** For masks and uniform noise together. @param p the unigram distribution, [vocab], 0 on the mask */
export function mixedControlVariate(
  p: ArrayLike<number>,
  maskTokenId: number,
  schedule: NoiseSchedule,
): ControlVariate {
  const N = p.length - 1;
  const repeated = distinctValues(p);
  const factsAt = ({ alpha, oneMinusAlpha }: AlphaLevel) => {
    const { uniform, rate } = levelOfAlpha(schedule, alpha, oneMinusAlpha).mixed ?? { uniform: 0, rate: 0 };
    const k = (alpha * N) / uniform;
    let lambda = 0;
    for (const [value, times] of repeated) lambda += times * Math.log1p(k * value);
    return { uniform, rate, k, lambda, ofX: (1 + k) * Math.log1p(k) };
  };
  type Facts = ReturnType<typeof factsAt>;
  const divergence = (x: number, { uniform, k, lambda, ofX }: Facts) =>
    (uniform / N) * (ofX - k * Math.log1p(k * p[x]) - lambda);
  let known: (AlphaLevel & { facts: Facts })[] = [];
  return {
    losses(out, x, z, level) {
      const facts = factsAt(level);
      const { k, rate } = facts;
      for (let l = 0; l < x.length; l++) {
        const ofMask = z[l] === maskTokenId;
        const weight = z[l] === x[l] ? 1 + k : 1;
        const ratio = ofMask ? 1 : weight / (1 + k * p[z[l]]);
        const r = ofMask ? rate : rate / (2 * weight);
        out[l] = r * (divergence(x[l], facts) + ratio - 1 - Math.log(ratio));
      }
      return out;
    },
    integral(x, level) {
      const { alpha, oneMinusAlpha } = level;
      if (alpha === 0) return 0;
      if (oneMinusAlpha === 0) return -Math.log(p[x]);
      let found = known.find((one) => one.oneMinusAlpha === oneMinusAlpha && one.alpha === alpha);
      if (!found) {
        found = { alpha, oneMinusAlpha, facts: factsAt(level) };
        known = [found, ...known.slice(0, 1)];
      }
      return divergence(x, found.facts);
    },
  };
}

/** The distinct values of p and how often each occurs. */
function distinctValues(p: ArrayLike<number>): [value: number, times: number][] {
  const times = new Map<number, number>();
  for (let v = 0; v < p.length; v++) times.set(p[v], (times.get(p[v]) ?? 0) + 1);
  return [...times];
}
