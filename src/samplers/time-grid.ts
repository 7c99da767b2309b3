/** The times that discrete samplers step through, from noise to text, and the noise levels there. */
import { type AlphaLevel, levelOfStep, levelOfTime, type NoiseSchedule } from '../diffusion/schedule.js';
import type { SamplingRun } from './sampler.js';

/** The last time; one more call removes the noise that is left there. */
export const LAST_TIME = 1e-5;

/** t_i = 1 − i(1 − 1e-5)/steps, i = 0 … steps. */
export function linearTimes(steps: number): Float64Array {
  return evenly(1, LAST_TIME, steps + 1);
}

/**
 * The times of a walk's calls, from noise to text; after the last call nothing is noisy. In discrete time they are those of the
 * steps, 1 − i/steps, and the last step is the walk's last; else one more call removes the noise that is left at {@link LAST_TIME}.
 */
export function walkTimes({ steps, schedule }: Pick<SamplingRun, 'steps' | 'schedule'>): Float64Array {
  return schedule?.steps === undefined
    ? linearTimes(steps)
    : Float64Array.from({ length: steps }, (_, i) => 1 - i / steps);
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

/** α and 1 − α at a time. Discrete time begins with nothing but noise, whatever the schedule's ε. */
export function levelAt(schedule: NoiseSchedule, t: number): AlphaLevel {
  if (schedule.steps !== undefined && t === 1) return levelOfStep(schedule, 1, 1);
  return levelOfTime(schedule, t);
}
