/**
 * Ψ schedules: the times of a Ψ sampler and the κ of each step (arXiv 2602.21185, as the reference code computes them). κ = 1
 * is the posterior; κ = 0 draws text and noises it again; ReMDM's remasking (arXiv 2503.00307) is κ = 1 − ς/(1 − α_s).
 *
 * The N = steps + 1 times have a high, a middle and a low part: round(high·N), round(middle·N) and the rest, with halves
 * rounded to even. Each part has its own mode of κ.
 */

import type { NoiseSchedule } from '../diffusion/schedule.js';
import { UsageError } from '../errors.js';
import { evenly, LAST_TIME, linearTimes } from './time-grid.js';

export interface PsiOptions {
  /** Modes of κ in the three parts, e.g. `pure-posterior` or `max-capped-0.04`. */
  high: string;
  middle: string;
  low: string;
  /** Shares of the times in the high and the middle part. */
  highFraction: number;
  middleFraction: number;
  /** `linear`, `linear-constant-linear-c` or `linear-constant-linear-c-inv`. */
  timeProfile: string;
}

export interface PsiSchedule {
  /** t_0 … t_steps, falling (not strictly). */
  times: Float64Array;
  /** κ_i drives t_i → t_{i+1}; the last one drives nothing. */
  kappas: Float64Array;
}

/** @param steps at least 1   @throws UsageError for an unknown mode or profile, κ or η outside [0, 1], or bad fractions */
export function psiSchedule(options: PsiOptions, steps: number, schedule: NoiseSchedule): PsiSchedule {
  const parts = partSizes(options, steps + 1);
  const times = timesOf(options.timeProfile, parts, steps, schedule);
  const kappas = new Float64Array(steps + 1);
  let from = 0;
  for (const [i, mode] of [options.high, options.middle, options.low].entries()) {
    const kappa = parseMode(mode);
    for (let at = from; at < from + parts[i]; at++) {
      const isLast = at === from + parts[i] - 1;
      kappas[at] = kappa(schedule, times[at], isLast ? null : times[at + 1]);
    }
    from += parts[i];
  }
  return { times, kappas };
}

/** How many times are in the high, the middle and the low part. */
function partSizes({ highFraction, middleFraction }: PsiOptions, count: number): [number, number, number] {
  if (!(highFraction >= 0 && middleFraction >= 0 && highFraction + middleFraction <= 1)) {
    throw new UsageError({
      code: 'psi-fractions',
      message: `The fractions ${highFraction} and ${middleFraction} of a Ψ schedule must not be negative, and their sum must not exceed 1.`,
      hint: 'Give --sampler-option high-fraction=0.2 --sampler-option middle-fraction=0.6, for example.',
    });
  }
  const high = roundHalfToEven(highFraction * count);
  const middle = Math.min(roundHalfToEven(middleFraction * count), count - high);
  return [high, middle, count - high - middle];
}

/** As Python's round; Math.round rounds every half up. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

const PLATEAU = /^linear-constant-linear-(\d+\.?\d*|\.\d+)(-inv)?$/;

function timesOf(
  profile: string,
  [high, middle, low]: readonly [number, number, number],
  steps: number,
  schedule: NoiseSchedule,
): Float64Array {
  if (profile === 'linear') return linearTimes(steps);
  const match = PLATEAU.exec(profile);
  if (!match) {
    throw new UsageError({
      code: 'unknown-time-profile',
      message: `There is no time profile "${profile}".`,
      hint: 'It is linear, linear-constant-linear-0.5 (a time), or linear-constant-linear-0.9-inv (the time of α = 0.9).',
    });
  }
  const given = Number(match[1]);
  const c = match[2] ? plainTimeOf(given, schedule) : given;
  if (!(given <= 1 && c >= LAST_TIME && c <= 1)) {
    throw new UsageError({
      code: 'time-profile-range',
      message: `The time profile "${profile}" is constant at the time ${c}, outside [${LAST_TIME}, 1].`,
      hint: 'Name a time, or with -inv an α, between 0 and 1.',
    });
  }
  const times = new Float64Array(steps + 1);
  times.set(evenly(1, c, high));
  times.fill(c, high, high + middle);
  times.set(evenly(c, LAST_TIME, low), high + middle);
  return times;
}

/** The time of an α on the schedule with eps = 0. */
function plainTimeOf(alpha: number, { type }: NoiseSchedule): number {
  return type === 'cosine' ? 1 - (2 / Math.PI) * Math.acos(1 - alpha) : 1 - alpha;
}

/** κ of a step from t to s; s is null at the end of a part. */
type Kappa = (schedule: NoiseSchedule, t: number, s: number | null) => number;

const MODE = /^(constant-remdm|constant|max-capped|max-rescale|remdm-rescale)-(\d+\.?\d*(?:e-?\d+)?|\.\d+)$/i;

/** @throws UsageError */
function parseMode(mode: string): Kappa {
  if (mode === 'pure-posterior') return () => 1;
  if (mode === 'pure-pc') return () => 0;
  const match = MODE.exec(mode);
  if (!match) {
    throw new UsageError({
      code: 'unknown-kappa-mode',
      message: `There is no κ mode "${mode}".`,
      hint: 'Modes: pure-posterior, pure-pc, and with a number of [0, 1] at the end constant-, constant-remdm-, max-capped-, max-rescale-, remdm-rescale-.',
    });
  }
  const eta = Number(match[2]);
  if (!(eta <= 1)) {
    throw new UsageError({
      code: 'kappa-out-of-range',
      message: `The ${match[1] === 'constant' ? 'κ' : 'η'} of "${mode}" must lie in [0, 1].`,
      hint: `For example: ${match[1]}-0.5`,
    });
  }
  if (match[1] === 'constant') return () => eta;
  const remasking = remaskingShare(match[1], eta);
  return (schedule, t, s) => {
    if (s === null) return 1;
    const noise = schedule.oneMinusAlpha(s);
    const share = remasking(noise, schedule.alpha(t));
    return Math.min(1, Math.max(0, 1 - share / noise));
  };
}

/** ReMDM's ς as a function of 1 − α_s and α_t; the largest that keeps the marginals is (1 − α_s)/α_t. */
function remaskingShare(mode: string, eta: number): (noise: number, alphaT: number) => number {
  const capped = (cap: number, noise: number, alphaT: number) => Math.min(cap, noise / alphaT);
  switch (mode) {
    case 'constant-remdm':
      return () => eta;
    case 'max-capped':
      return (noise, alphaT) => (alphaT === 0 ? eta : capped(eta, noise, alphaT));
    case 'max-rescale': // η twice, as in the reference code
      return (noise, alphaT) => eta * (alphaT === 0 ? 1 : capped(eta, noise, alphaT));
    default: // remdm-rescale, as in ReMDM's paper
      return (noise, alphaT) => eta * (alphaT === 0 ? 1 : capped(1, noise, alphaT));
  }
}
