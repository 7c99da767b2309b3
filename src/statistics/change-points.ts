/**
 * Where a series of estimates changes its level: binary segmentation (Scott and Knott 1974; Vostrikova 1981) of means whose
 * errors are known. A series is cut where the means of both sides differ most, in units of their error, as long as that exceeds
 * the normal quantile for all possible cuts of the series together (Bonferroni). So of the series that never change, at most a share of
 * 5% gets a cut, if errors are independent; where they are shared, as on one text, fewer.
 */
import { normalUpperQuantile } from './normal.js';

export interface SeriesPoint {
  value: number;
  /** Standard error, at least 0. */
  stderr: number;
}

/** Points [from, to) at one level. */
export interface Level {
  from: number;
  to: number;
  /** Mean, weighted by the inverse squared errors, and its standard error. */
  mean: number;
  stderr: number;
}

const LEVEL = 0.05;
/** Errors of 0 are of exact figures; below this share of the value, a difference is rounding. */
const ROUNDING = 1e-9;

/** @param series in order of time   @returns levels that cover it, in order; none for an empty series */
export function levelsOf(series: readonly SeriesPoint[]): Level[] {
  if (series.length === 0) return [];
  const sums = new Float64Array(series.length + 1);
  const weights = new Float64Array(series.length + 1);
  for (const [i, { value, stderr }] of series.entries()) {
    const error = Math.max(stderr, ROUNDING * Math.abs(value), Number.MIN_VALUE ** 0.25);
    weights[i + 1] = weights[i] + error ** -2;
    sums[i + 1] = sums[i] + value * error ** -2;
  }
  const part = (from: number, to: number): Level => {
    const weight = weights[to] - weights[from];
    return { from, to, mean: (sums[to] - sums[from]) / weight, stderr: weight ** -0.5 };
  };
  const most = series.length < 2 ? 0 : quantileOf(series.length - 1);
  const cut = (from: number, to: number): Level[] => {
    let best = { z: 0, at: from };
    for (let at = from + 1; at < to; at++) {
      const [before, after] = [part(from, at), part(at, to)];
      const z = Math.abs(after.mean - before.mean) / Math.hypot(before.stderr, after.stderr);
      if (z > best.z) best = { z, at };
    }
    if (best.z <= most) return [part(from, to)];
    return [...cut(from, best.at), ...cut(best.at, to)];
  };
  return cut(0, series.length);
}

/** The two-sided normal quantile that all of several comparisons stay below with 95% probability. */
export const quantileOf = (comparisons: number): number => normalUpperQuantile(LEVEL / (2 * comparisons));
