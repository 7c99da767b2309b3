/**
 * Noise schedules: α_t falls from 1 at t = 0 to the schedule's last value at t = 1 (arXiv 2506.10892, section 2;
 * cosine: arXiv 2206.13517 by way of the reference code). With θ = π/2·(1−ε)t:
 *
 *   log-linear   α = 1 − (1−ε)t     α' = −(1−ε)
 *   cosine       α = 1 − sin θ      α' = −(π/2)(1−ε)·cos θ; the reference code leaves out (1−ε): protocol `duo`
 *
 * `mixed` (generalised interpolating diffusion, arXiv 2503.04482, section 4) has masks and uniform noise together. With the share p of
 * uniform noise, B = 2p/(1−p), c = B·√(t(1−t)) and C = 1 + c:
 *
 *   α = (1−t)/C     a token is the mask with probability t/C, and any of the others with c/C
 *
 * Its ε says how far the times of training stay from both ends.
 *
 * 1 − α is returned as well as α, each without cancellation, because near t = 0 the losses depend on 1 − α.
 */
import { ModelError } from '../errors.js';
import type { Schedule, TimestepInput } from '../models/card.js';

export type ScheduleType = 'log-linear' | 'cosine' | 'mixed';
/** `duo`: as the reference code computes it, to compare with published figures. `strict`: as the papers define it. */
export type Protocol = 'duo' | 'strict';

/** α and 1 − α, each without cancellation. */
export interface AlphaLevel {
  readonly alpha: number;
  readonly oneMinusAlpha: number;
  /** Of a mixed schedule: what 1 − α consists of. */
  readonly mixed?: NoiseMixture;
}

/** What noise consists of at a level, where it is masks and uniform noise. */
export interface NoiseMixture {
  /** Probability that a token was replaced by any token but the mask; it may be the token itself. */
  readonly uniform: number;
  /** −1/(mask·α') times the rate at which tokens become the mask. For any other token it is half of that. */
  readonly rate: number;
}

/** What decides a schedule. */
export interface ScheduleSettings {
  readonly type: ScheduleType;
  /** ε: how far the schedule stops short of its end. */
  readonly eps: number;
  /** T of discrete time, whose times are i/T; absent: time is continuous. */
  readonly steps?: number;
  /** p of `mixed`: the share of tokens with uniform noise where it is greatest, at t = 1/2. */
  readonly uniformShare?: number;
}

export interface NoiseSchedule extends ScheduleSettings {
  /** α_t, to full relative precision also where it is small. */
  alpha(t: number): number;
  /** 1 − α_t, to full relative precision also where it is small. */
  oneMinusAlpha(t: number): number;
  /** α'_t = dα/dt ≤ 0, as the protocol has it. */
  dalpha(t: number, protocol: Protocol): number;
  /** σ_t = −ln α_t: what a network conditioned on time reads. */
  sigma(t: number): number;
  /** The t of an α; pass 1 − α too to keep its digits near α = 1. */
  timeAt(alpha: number, oneMinusAlpha?: number): number;
  /** The range of t that the reference trains and evaluates over. */
  readonly times: readonly [first: number, last: number];
  /** Of a mixed schedule: what noise consists of at an α. */
  mixture?(alpha: number, oneMinusAlpha: number): NoiseMixture;
}

export const defaultEps = 1e-3;
/** Of `mixed`, as published. */
const mixedEps = 1e-4;
/** The times of the reference for schedules of one kind of noise. */
export const USUAL_TIMES = [1e-3, 1] as const;

/** @param eps ε in (0, 1), 1e-3 in every published checkpoint but those of block diffusion, whose masks have probability t: 0
 *  @throws ModelError when the type is unknown, eps is outside (0, 1), or a mixed schedule has no share of uniform noise: all come
 *    from a checkpoint's card */
export function noiseSchedule({
  type,
  eps = type === 'mixed' ? mixedEps : defaultEps,
  steps,
  uniformShare,
}: Omit<ScheduleSettings, 'eps'> & { eps?: number }): NoiseSchedule {
  const least = type === 'log-linear' ? 0 : Number.MIN_VALUE;
  if (!(eps >= least && eps < 1)) {
    throw new ModelError({
      code: 'schedule-eps',
      message: `The noise schedule's eps must lie between 0 and 1, not ${eps}.`,
      hint: "Correct schedule.eps in the checkpoint's card; 1e-3 is usual.",
    });
  }
  switch (type) {
    case 'log-linear':
      return { ...logLinear(eps), ...(steps !== undefined && { steps }) };
    case 'cosine':
      return { ...cosine(eps), ...(steps !== undefined && { steps }) };
    case 'mixed':
      return mixed(eps, uniformShare);
    default:
      throw new ModelError({
        code: 'schedule-type',
        message: `Unknown noise schedule ${JSON.stringify(type)}.`,
        hint: 'schedule.type in the checkpoint\'s card is "log-linear", "cosine" or "mixed".',
      });
  }
}

/** −ln α, from α or from 1 − α, whichever is more exact. */
export function sigmaOf(alpha: number, oneMinusAlpha: number): number {
  return oneMinusAlpha < 0.5 ? -Math.log1p(-oneMinusAlpha) : -Math.log(alpha);
}

/** The settings alone, of a schedule or of a card: what a cache's key holds, and what passes to another thread. */
export const scheduleSettings = ({ type, eps, steps, uniformShare }: ScheduleSettings): ScheduleSettings => ({
  type,
  eps,
  ...(steps !== undefined && { steps }),
  ...(uniformShare !== undefined && { uniformShare }),
});

/** The level of an α, of a mixed schedule with what noise consists of there. */
export const levelOfAlpha = (
  { mixture }: Pick<NoiseSchedule, 'mixture'>,
  alpha: number,
  oneMinusAlpha: number,
): AlphaLevel => ({ alpha, oneMinusAlpha, ...(mixture && { mixed: mixture(alpha, oneMinusAlpha) }) });

/** The level at a time. */
export const levelOfTime = (schedule: NoiseSchedule, t: number): AlphaLevel =>
  levelOfAlpha(schedule, schedule.alpha(t), schedule.oneMinusAlpha(t));

/**
 * What a network is told of a noise level: 0 where it reads none, σ, or the time, which is within those of its training.
 * @returns a function of σ
 */
export function toldTimestep(
  named: Schedule | ScheduleSettings | null,
  input: TimestepInput,
): (sigma: number) => number {
  if (named === null || input === 'none') return () => 0;
  if (input === 'sigma') return (sigma) => sigma;
  const schedule = noiseSchedule(named);
  const [, last] = schedule.times;
  return (sigma) => Math.min(last, schedule.timeAt(Math.exp(-sigma), -Math.expm1(-sigma)));
}

/** Discrete time: the level at t = i/T, i from 0, no noise, to T, nothing but noise, whatever the schedule's ε. Only so is what
 *  the reverse process begins with known. */
export function levelOfStep(schedule: NoiseSchedule, i: number, steps: number): AlphaLevel {
  if (i === steps) return { alpha: 0, oneMinusAlpha: 1 };
  return { alpha: schedule.alpha(i / steps), oneMinusAlpha: schedule.oneMinusAlpha(i / steps) };
}

function logLinear(eps: number): NoiseSchedule {
  // 1 − t is exact for t ≥ 1/2, where α is small.
  const alpha = (t: number) => 1 - t + eps * t;
  const oneMinusAlpha = (t: number) => (1 - eps) * t;
  return {
    type: 'log-linear',
    eps,
    alpha,
    oneMinusAlpha,
    dalpha: () => -(1 - eps),
    sigma: (t) => sigmaOf(alpha(t), oneMinusAlpha(t)),
    timeAt: (a, oneMinusA = 1 - a) => oneMinusA / (1 - eps),
    times: USUAL_TIMES,
  };
}

function cosine(eps: number): NoiseSchedule {
  const theta = (t: number) => (Math.PI / 2) * (1 - eps) * t;
  // 1 − sin θ = 2 sin²((π/2 − θ)/2), with π/2 − θ = π/2·(1 − t + εt) formed without cancellation.
  const alpha = (t: number) => 2 * Math.sin((Math.PI / 4) * (1 - t + eps * t)) ** 2;
  const oneMinusAlpha = (t: number) => Math.sin(theta(t));
  return {
    type: 'cosine',
    eps,
    alpha,
    oneMinusAlpha,
    dalpha: (t, protocol) => -(Math.PI / 2) * (protocol === 'strict' ? 1 - eps : 1) * Math.cos(theta(t)),
    sigma: (t) => sigmaOf(alpha(t), oneMinusAlpha(t)),
    timeAt: (a, oneMinusA = 1 - a) => {
      const angle = oneMinusA < 0.5 ? Math.asin(oneMinusA) : Math.PI / 2 - 2 * Math.asin(Math.sqrt(a / 2));
      return angle / ((Math.PI / 2) * (1 - eps));
    },
    times: USUAL_TIMES,
  };
}

/**
 * With s = 1 − t and q = α²B², α(1 + B√(ts)) = s has the root s = (2α + q + √(q(q + 4α(1−α))))/(2(1 + q)), and t = 1 − s without
 * cancellation is 2(1−α)²/(2(1−α) + q + √…).
 */
function mixed(eps: number, uniformShare: number | undefined): NoiseSchedule {
  if (uniformShare === undefined || !(uniformShare > 0 && uniformShare < 1)) {
    throw new ModelError({
      code: 'schedule-uniform-share',
      message: `A mixed noise schedule has a share of uniform noise between 0 and 1, not ${uniformShare ?? 'none'}.`,
      hint: 'Put the p_uniform of its training into the card: "schedule": {"type": "mixed", "uniformShare": 0.2}.',
    });
  }
  const B = (2 * uniformShare) / (1 - uniformShare);
  const whole = (t: number, s: number) => 1 + B * Math.sqrt(t * s);
  const alpha = (t: number) => (1 - t) / whole(t, 1 - t);
  const oneMinusAlpha = (t: number) => (t + B * Math.sqrt(t * (1 - t))) / whole(t, 1 - t);
  /** t and 1 − t. */
  const timesAt = (a: number, oneMinusA: number) => {
    const q = (a * B) ** 2;
    const root = Math.sqrt(q * (q + 4 * a * oneMinusA));
    return { t: (2 * oneMinusA ** 2) / (2 * oneMinusA + q + root), s: (2 * a + q + root) / (2 * (1 + q)) };
  };
  /** −α'·C. */
  const fall = (t: number, s: number) => {
    const rooted = Math.sqrt(t * s);
    return 1 + (s * B * (s - t)) / (2 * rooted * whole(t, s));
  };
  return {
    type: 'mixed',
    eps,
    uniformShare,
    alpha,
    oneMinusAlpha,
    dalpha: (t) => -fall(t, 1 - t) / whole(t, 1 - t),
    sigma: (t) => sigmaOf(alpha(t), oneMinusAlpha(t)),
    timeAt: (a, oneMinusA = 1 - a) => (oneMinusA === 0 ? 0 : timesAt(a, oneMinusA).t),
    times: [eps, 1 - eps],
    mixture(a, oneMinusA) {
      if (oneMinusA === 0) return { uniform: 0, rate: Number.POSITIVE_INFINITY };
      const { t, s } = timesAt(a, oneMinusA);
      const C = whole(t, s);
      // The rates into the mask and into another token are mask/(ts) and uniform/(2ts) per unit of t.
      return { uniform: (B * Math.sqrt(t * s)) / C, rate: C / (t * s * fall(t, s)) };
    },
  };
}
