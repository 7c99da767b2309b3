/** The times that discrete samplers walk through, from noise to text. */
import type { Level } from '../diffusion/posterior.js';
import type { NoiseSchedule } from '../diffusion/schedule.js';

/** Where the walk ends; the noise that is left there is removed by one more call. */
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

/** α and 1 − α at a time. */
export function levelAt(schedule: NoiseSchedule, t: number): Level {
  return { alpha: schedule.alpha(t), oneMinusAlpha: schedule.oneMinusAlpha(t) };
}
