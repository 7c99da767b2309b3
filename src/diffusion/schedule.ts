/**
 * Noise schedules: α_t falls from 1 at t = 0 to the schedule's last value at t = 1 (arXiv 2506.10892, section 2;
 * cosine: arXiv 2206.13517 by way of the reference code). With θ = π/2·(1−ε)t:
 *
 *   log-linear   α = 1 − (1−ε)t     α' = −(1−ε)
 *   cosine       α = 1 − sin θ      α' = −(π/2)(1−ε)·cos θ; the reference code leaves out (1−ε): protocol `duo`
 *
 * 1 − α is returned as well as α, each without cancellation, because near t = 0 the losses depend on 1 − α.
 */
import { ModelError } from '../errors.js';

export type ScheduleType = 'log-linear' | 'cosine';
/** `duo`: as the reference code computes it, to compare with published figures. `strict`: as the papers define it. */
export type Protocol = 'duo' | 'strict';

/** α and 1 − α, each without cancellation. */
export interface AlphaLevel {
  readonly alpha: number;
  readonly oneMinusAlpha: number;
}

/** What decides a schedule. */
export interface ScheduleSettings {
  readonly type: ScheduleType;
  /** ε: how far the schedule stops short of its end. */
  readonly eps: number;
  /** T of discrete time, whose times are i/T; absent: time is continuous. */
  readonly steps?: number;
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
}

export const defaultEps = 1e-3;

/** @param eps ε in (0, 1), 1e-3 in every published checkpoint but those of block diffusion, whose masks have probability t: 0
 *  @throws ModelError when the type is unknown or eps is outside (0, 1): both come from a checkpoint's card */
export function noiseSchedule({
  type,
  eps = defaultEps,
  steps,
}: Pick<ScheduleSettings, 'type' | 'steps'> & { eps?: number }): NoiseSchedule {
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
    default:
      throw new ModelError({
        code: 'schedule-type',
        message: `Unknown noise schedule ${JSON.stringify(type)}.`,
        hint: 'schedule.type in the checkpoint\'s card is "log-linear" or "cosine".',
      });
  }
}

/** −ln α, from α or from 1 − α, whichever is more exact. */
export function sigmaOf(alpha: number, oneMinusAlpha: number): number {
  return oneMinusAlpha < 0.5 ? -Math.log1p(-oneMinusAlpha) : -Math.log(alpha);
}

/** The settings alone, of a schedule or of a card: what a cache's key holds, and what passes to another thread. */
export const scheduleSettings = ({ type, eps, steps }: ScheduleSettings): ScheduleSettings => ({
  type,
  eps,
  ...(steps !== undefined && { steps }),
});

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
  };
}
