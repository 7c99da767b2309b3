/** The times that discrete samplers step through, from noise to text, and the noise levels there. */
import type { AlphaLevel, NoiseSchedule } from '../diffusion/schedule.js';
import type { SamplingRun } from './sampler.js';

/** The last time; one more call removes the noise that is left there. */
export const LAST_TIME = 1e-5;

/** t_i = 1 − i(1 − 1e-5)/steps, i = 0 … steps. */
export function linearTimes(steps: number): Float64Array {
  return evenly(1, LAST_TIME, steps + 1);
}

/** `count` points from `first` to `last`, both included; a single point is the first. */
export function evenly(first: number, last: number, count: number): Float64Array {
  const points = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    points[i] = i === count - 1 && i > 0 ? last : first + (i * (last - first)) / Math.max(1, count - 1);
  }
  return points;
}

/** The schedule of a diffusion model. @throws RangeError for ar, which has none and none of these samplers drives */
export function scheduleOf({ schedule, family }: Pick<SamplingRun, 'schedule' | 'family'>): NoiseSchedule {
  if (schedule) return schedule;
  throw new RangeError(`models of the family ${family} have no noise schedule`);
}

/** α and 1 − α at a time. */
export function levelAt(schedule: NoiseSchedule, t: number): AlphaLevel {
  return { alpha: schedule.alpha(t), oneMinusAlpha: schedule.oneMinusAlpha(t) };
}
