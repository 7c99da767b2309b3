/**
 * How a protocol integrates a loss over noise levels. A number u of [0, 1) becomes a noise level and a weight, such that
 *
 *   E_u[weight · f(α)] = measure · ∫_{alphaRange} f(α) dα,     f = loss per unit of −dα, that is loss / (−α')
 *
 * and the head returns f. So weight · f, averaged over u, is the protocol's loss per token.
 *
 * `duo`: t = 1e-3 + (1 − 1e-3)u and weight −α'_t, the mean over that range, as in the reference code (for a mixed schedule, from ε
 * to 1 − ε). It leaves out both ends
 * and is not a bound.
 *
 * `strict`: α from 0 to 1 − 1e-6. f has a moderate mean but a standard deviation that grows as (1−α)^−1/2 and a little
 * faster for α → 1 (a token is noisy with probability 1−α, and its loss is then of order 1/(1−α)). A weighted estimate
 * varies least when α is drawn in proportion to that, so 1−α = s^p with s uniform, density ∝ (1−α)^(1/p − 1), p = 9/4.
 * By quadrature over deviations measured on small trained Duo and MDLM checkpoints and on a unigram source of 50,258
 * tokens, for 128 and 1,024 tokens per sequence and a deviation between sequences of 0 or 8% of the mean (assumed), its
 * variance is at most 1.2 times that of the best density for each case (p = 2: 1.3, p = 3: 1.4, the arcsine density:
 * 1.9, uniform: 1.8 to 17). No extra draws go to α → 0: there f and its deviation only fall.
 *
 * Discrete time has a sum over T steps in place of an integral: the last part of this file.
 */
import { UsageError } from '../errors.js';
import type { Schedule } from '../models/card.js';
import {
  type AlphaLevel,
  levelOfAlpha,
  levelOfStep,
  levelOfTime,
  type NoiseSchedule,
  noiseSchedule,
  type Protocol,
  sigmaOf,
} from './schedule.js';

/** A noise level to evaluate at. */
export interface NoiseLevel extends AlphaLevel {
  /** The schedule's time; null in `strict`, which does not integrate over it. */
  t: number | null;
  /** −ln α, or that of the last time of the schedule's range: what a network conditioned on it reads (toldTimestep). */
  sigma: number;
  /** Loss per token = weight × (loss per unit of −dα). */
  weight: number;
  /** Discrete time: 1 − α at the clean end of the step, of which this level is the noisy one. */
  nextOneMinusAlpha?: number;
  /** Exact counts (exact-count.ts): how many positions are masked; `oneMinusAlpha` is then their share. */
  masked?: number;
}

/** An integration by draws that may depend on the length of a sequence. */
export interface DrawnIntegration extends Omit<Integration, 'at'> {
  /** @param u in [0, 1); larger is noisier   @param length of the sequence */
  at(u: number, length: number): NoiseLevel;
}

export interface Integration {
  readonly protocol: Protocol;
  /** For the record's `timeRange`: what is integrated over. */
  readonly timeRange: string;
  /** One sentence: the range covered, what is left out, and whether the figure is a bound. */
  readonly description: string;
  /** α from, α to. */
  readonly alphaRange: readonly [number, number];
  /** 1 − α at the ends of alphaRange, without cancellation. */
  readonly oneMinusAlphaRange: readonly [number, number];
  /** The factor between the mean of weight·f and the integral of f over alphaRange. */
  readonly measure: number;
  /** @param u in [0, 1); larger is noisier */
  at(u: number): NoiseLevel;
}

/** `strict` stops at α = 1 − 1e-6. */
const strictLastOneMinusAlpha = 1e-6;
/** p of 1−α = s^p: how strongly `strict` draws towards α = 1. */
const strictPower = 9 / 4;

/** @throws UsageError when the protocol is neither `duo` nor `strict` */
export function integration(protocol: Protocol, schedule: NoiseSchedule): Integration {
  if (schedule.steps !== undefined) return sumOverSteps(protocol, schedule, schedule.steps, stepPower.plain);
  switch (protocol) {
    case 'duo':
      return duoIntegration(schedule);
    case 'strict':
      return strictIntegration(schedule);
    default:
      throw new UsageError({
        code: 'unknown-protocol',
        message: `Unknown protocol ${JSON.stringify(protocol)}.`,
        hint: 'Give --protocol duo or --protocol strict.',
      });
  }
}

/** The range of t that a protocol takes the mean over; null where it integrates over α, or nothing is drawn. */
export function timesAveraged(protocol: Protocol, named: Schedule | null): [number, number] | null {
  if (protocol !== 'duo' || named === null) return null;
  const [first, last] = noiseSchedule(named).times;
  return [first, last];
}

function duoIntegration(schedule: NoiseSchedule): Integration {
  const [first, last] = schedule.times;
  return {
    protocol: 'duo',
    timeRange: `t in [${first}, ${last}], mean`,
    description:
      `The mean over t from ${first} to ${last} of the ${schedule.type} schedule, as the reference code takes it: ` +
      `α above ${schedule.alpha(first).toPrecision(6)}${belowEnd(schedule.alpha(last))} is left out, ` +
      'so the figure compares with published ones and is not a bound.',
    alphaRange: [schedule.alpha(last), schedule.alpha(first)],
    oneMinusAlphaRange: [schedule.oneMinusAlpha(last), schedule.oneMinusAlpha(first)],
    // The mean over t divides by the range of t; where the reference's α' lacks a factor, so does the measure.
    measure: schedule.dalpha(0.5, 'duo') / schedule.dalpha(0.5, 'strict') / (last - first),
    at(u) {
      const t = first + (last - first) * u;
      return {
        t,
        ...levelOfTime(schedule, t),
        sigma: schedule.sigma(t),
        weight: -schedule.dalpha(t, 'duo'),
      };
    },
  };
}

/** A schedule of block diffusion goes to the end, α = 0, and its network reads no noise level. */
const belowEnd = (alpha: number): string => (alpha > 0 ? ` and below ${alpha.toPrecision(3)}` : '');
const lastRead = (sigma: number): string =>
  Number.isFinite(sigma)
    ? `; the network reads at most σ = ${sigma.toPrecision(4)}, the last of its schedule`
    : '';

function strictIntegration(schedule: NoiseSchedule): Integration {
  const least = strictLastOneMinusAlpha;
  const first = least ** (1 / strictPower);
  const lastSigma = schedule.sigma(schedule.times[1]);
  return {
    protocol: 'strict',
    timeRange: 'alpha in [0, 1 - 1e-6], integral',
    description:
      `The integral over α from 0 to 1 − ${least}${lastRead(lastSigma)}. ` +
      `What is left out: α above 1 − ${least}, a few 1e-5 nats a token.`,
    alphaRange: [0, 1 - least],
    oneMinusAlphaRange: [1, least],
    measure: 1,
    at(u) {
      // s runs from `first` to 1; 1 − s is formed first, so that neither end loses digits.
      const logS = Math.log1p(-(1 - first) * (1 - u));
      const oneMinusAlpha = Math.exp(strictPower * logS);
      const alpha = -Math.expm1(strictPower * logS);
      return {
        t: null,
        ...levelOfAlpha(schedule, alpha, oneMinusAlpha),
        sigma: Math.min(sigmaOf(alpha, oneMinusAlpha), lastSigma),
        weight: strictPower * Math.exp((strictPower - 1) * logS) * (1 - first),
      };
    },
  };
}

/**
 * Noise levels drawn towards clean text and reweighted: the same integral from draws of smaller variance.
 *
 * A token is noisy with probability 1−α and its loss is then of order 1/(1−α). So for any model, the standard deviation over z of
 * a sequence's loss per unit of −dα is near (1−α)^−1/2; for uniform states it also vanishes as α → 0, where every z is noise.
 * A weighted estimate varies least when levels are drawn in proportion to that:
 *
 *   density over α ∝ (1−α)^−1/2 · (1 − b(1−α)),     b = 0 where there are masks, 4/5 for uniform states
 *
 * With s² = 1−α its distribution function is C(s) = s − (b/3)s³ up to a factor, and the cubic's inverse is
 * s = (2/√b)·sin(arcsin(3√b·C/2)/3). b < 1 keeps the weights below (s/(1−b)): a model unlike those measured
 * (bench/README.md) costs precision, never correctness.
 */
/** b: how much the density at α = 0 is reduced below (1−α)^−1/2. */
export const proposalSlope = { masked: 0, uniform: 0.8 } as const;

/** @param base what is integrated: its range and measure stay as they are
 *  @param slope b in [0, 1) */
export function drawTowardsText(base: Integration, schedule: NoiseSchedule, slope: number): Integration {
  if (schedule.steps !== undefined)
    return sumOverSteps(base.protocol, schedule, schedule.steps, stepPower.towardsText);
  const [noisiest, cleanest] = base.oneMinusAlphaRange;
  const cumulative = (s: number) => s - (slope / 3) * s ** 3;
  const from = cumulative(Math.sqrt(cleanest));
  const span = cumulative(Math.sqrt(noisiest)) - from;
  const root = Math.sqrt(slope);
  const inverse = (c: number) =>
    slope === 0 ? c : (2 / root) * Math.sin(Math.asin(Math.min(1, 1.5 * root * c)) / 3);
  const lastSigma = schedule.sigma(schedule.times[1]);
  return {
    ...base,
    description: `${base.description} Levels are drawn towards clean text and reweighted.`,
    at(u) {
      const s = inverse(from + span * u);
      const oneMinusAlpha = s * s;
      const alpha = (1 - s) * (1 + s);
      return {
        t: base.protocol === 'duo' ? schedule.timeAt(alpha, oneMinusAlpha) : null,
        ...levelOfAlpha(schedule, alpha, oneMinusAlpha),
        sigma: Math.min(sigmaOf(alpha, oneMinusAlpha), lastSigma),
        weight: (base.measure * 2 * s * span) / (1 - slope * oneMinusAlpha),
      };
    },
  };
}

/**
 * Discrete time (D3PM, arXiv 2107.03006): step i of T goes from t = i/T to (i−1)/T, and the head returns its divergence per unit
 * of α, f_i = KL_i/(α_{i−1} − α_i).
 *
 * `strict`: Σ_i KL_i, the whole bound but for the reconstruction term, which is asked for beside it: ({@link RECONSTRUCTION}). At t = 1
 * there is nothing but noise, or what the reverse process begins with would have a probability of 0.
 *
 * `duo`: t from 1e-3 to 1, rounded up to the next i/T, and the mean of T·KL_i, as in the reference code. With 1,000 steps that
 * leaves out the first; the last level is the schedule's own.
 *
 * A draw is worth c_i/q_i·f_i, with c_i the share of f_i in the sum. The standard deviation of f_i is near (1−α_i)^−1/2, as in
 * continuous time, so q_i ∝ c_i·(1−α_i)^−1/2 varies least.
 */
const stepPower = { plain: 0, towardsText: 0.5 } as const;

function sumOverSteps(
  protocol: Protocol,
  schedule: NoiseSchedule,
  steps: number,
  power: number,
): Integration {
  const [first] = schedule.times;
  const levelAt = (i: number): AlphaLevel =>
    protocol === 'strict' || i < steps
      ? levelOfStep(schedule, i, steps)
      : { alpha: schedule.alpha(1), oneMinusAlpha: schedule.oneMinusAlpha(1) };
  const rise = (i: number): number => levelAt(i).oneMinusAlpha - levelAt(i - 1).oneMinusAlpha;
  /** How much of [1e-3, 1] rounds up to i/T, as a multiple of the step. */
  const covered = (i: number): number =>
    Math.max(0, i / steps - Math.max(first, (i - 1) / steps)) * (steps / (1 - first));
  const share = (i: number): number => rise(i) * (protocol === 'strict' ? 1 : covered(i));
  /** At i: the sum of q up to i, before it is normalised. */
  const cumulative = new Float64Array(steps + 1);
  let total = 0;
  for (let i = 1; i <= steps; i++) {
    total += share(i);
    cumulative[i] = cumulative[i - 1] + share(i) * levelAt(i).oneMinusAlpha ** -power;
  }
  const [noisiest, cleanest] = [levelAt(steps), levelOfStep(schedule, 0, steps)];
  const range = noisiest.oneMinusAlpha;
  const lastSigma = schedule.sigma(1);
  return {
    protocol,
    ...(protocol === 'strict'
      ? {
          timeRange: `${steps} steps, sum`,
          description:
            `The sum over the ${steps} steps of the ${schedule.type} schedule and the reconstruction of the clean text: ` +
            'the whole bound of discrete time.',
        }
      : {
          timeRange: `t in [0.001, 1] of ${steps} steps, mean`,
          description:
            `The mean over t from ${first} to 1, rounded up to the next of ${steps} steps of the ${schedule.type} schedule, ` +
            'and the reconstruction of the clean text, as the reference code takes it: the figure compares with published ones and is not a bound.',
        }),
    alphaRange: [noisiest.alpha, cleanest.alpha],
    oneMinusAlphaRange: [noisiest.oneMinusAlpha, cleanest.oneMinusAlpha],
    measure: total / range,
    at(u) {
      const i = firstAbove(cumulative, u * cumulative[steps]);
      const { alpha, oneMinusAlpha } = levelAt(i);
      return {
        t: i / steps,
        alpha,
        oneMinusAlpha,
        nextOneMinusAlpha: levelAt(i - 1).oneMinusAlpha,
        sigma: Math.min(sigmaOf(alpha, oneMinusAlpha), lastSigma),
        weight: cumulative[steps] * oneMinusAlpha ** power,
      };
    },
  };
}

/** The first k from 1 on whose entry is above u, or the last; the entries do not fall. */
export function firstAbove(cumulative: Float64Array, u: number): number {
  let [low, high] = [1, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The level of the reconstruction term of discrete time: −ln x_θ(x) of every token of the clean text, at σ = 0. */
export const RECONSTRUCTION: NoiseLevel = {
  t: 0,
  alpha: 1,
  oneMinusAlpha: 0,
  nextOneMinusAlpha: 0,
  sigma: 0,
  weight: 1,
};
