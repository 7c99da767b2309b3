/** A curve with any number of steps, reduced to what a plot can show: a smoothed line, and the scatter of the steps. */

/** Most points of a line, and most steps that are drawn individually. */
const MOST_POINTS = 300;
const MOST_STEPS = 400;

/** A smoothed value is the mean over this share of the steps on either side; at the start of the curve, over at least
 *  LEAST_SHARE of that. */
const SMOOTHED_OVER = 0.02;
const LEAST_SHARE = 0.1;

export interface StepValue {
  /** From 1. */
  step: number;
  value: number;
}

/** Quantiles of the steps from `first` to `last`. */
export interface StepWindow {
  first: number;
  last: number;
  mean: number;
  median: number;
  /** 10% lie below, and 10% above. */
  low: number;
  high: number;
}

/**
 * The mean of the steps around each of at most 300 points. Near the beginning, where the curve falls, the window shrinks to the
 * steps before the point on either side; near the end it is cut off.
 * @param values of the steps from 1
 */
export function smoothedCurve(values: ArrayLike<number>): StepValue[] {
  const n = values.length;
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i] + values[i];
  const half = Math.ceil(SMOOTHED_OVER * n);
  return places(n, MOST_POINTS).map((i) => {
    const around = Math.min(half, Math.max(i, Math.ceil(LEAST_SHARE * half)));
    const [from, to] = [Math.max(0, i - around), Math.min(n, i + around + 1)];
    return { step: i + 1, value: (sums[to] - sums[from]) / (to - from) };
  });
}

/** The steps themselves if there are few; else null, and windows show more. */
export function fewSteps(values: ArrayLike<number>): StepValue[] | null {
  if (values.length > MOST_STEPS) return null;
  return Array.from(values, (value, i) => ({ step: i + 1, value }));
}

/** The steps in this many parts of nearly equal length; at most one part per step. */
export function stepWindows(values: ArrayLike<number>, parts: number): StepWindow[] {
  const n = values.length;
  const count = Math.min(parts, n);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * n) / count), Math.floor(((i + 1) * n) / count)];
    const sorted = Float64Array.from({ length: to - from }, (_, j) => values[from + j]).sort();
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    const [low, median, high] = [0.1, 0.5, 0.9].map((p) => sortedQuantile(sorted, p));
    return { first: from + 1, last: to, mean, median, low, high };
  });
}

/** At most this many entries of a list, evenly spaced, with the last. */
export function thin<T>(all: readonly T[], most: number): T[] {
  return places(all.length, most).map((i) => all[i]);
}

function places(n: number, most: number): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (n - 1)) / (most - 1)));
}

/** Linear interpolation between the nearest two. @param sorted ascending, not empty */
export function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
