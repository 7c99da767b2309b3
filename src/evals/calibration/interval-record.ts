/** The record of a calibration of intervals: how often they held a known mean, and how often those of the former method did. */

/** What a 95% interval must cover, where there is enough text or samples. */
export const COVERAGE = [0.93, 0.97] as const;
/** From this many replicates on, the bounds apply as they are; below, they allow for chance. */
const FULL_REPLICATES = 1000;

export type IntervalVerdict = 'pass' | 'fail' | 'not-counted';

export interface IntervalCheck {
  /** The simulated source, in words. */
  source: string;
  /** The figure: `perplexity`, `paired difference`, … */
  figure: string;
  /** Sequences, samples or documents. */
  size: string;
  replicates: number;
  /** Share of the intervals that held the known mean. */
  covered: number;
  /** Coverage of the former method, which took sequences as independent. */
  formerly: number | null;
  verdict: IntervalVerdict;
  /** Why the check fails or is not counted. */
  reason: string | null;
}

export interface IntervalCalibrationRecord {
  eval: 'interval-calibration';
  seed: number;
  replicates: number;
  /** How many of them were whole evaluations. */
  evaluations: number;
  checks: IntervalCheck[];
  passed: number;
  failed: number;
  notCounted: number;
  wallSeconds: number;
  environment: { tool: string; node: string };
}

/** @param notCounted why it is not counted; null where it is */
export function judgeCoverage(
  covered: number,
  replicates: number,
  notCounted: string | null,
): Pick<IntervalCheck, 'verdict' | 'reason'> {
  if (notCounted !== null) return { verdict: 'not-counted', reason: notCounted };
  const chance = replicates >= FULL_REPLICATES ? 0 : 3 * Math.sqrt((0.05 * 0.95) / replicates);
  const [low, high] = [COVERAGE[0] - chance, COVERAGE[1] + chance];
  if (covered >= low && covered <= high) return { verdict: 'pass', reason: null };
  return {
    verdict: 'fail',
    reason: `${(100 * covered).toFixed(1)}% is outside ${(100 * low).toFixed(0)} to ${(100 * Math.min(1, high)).toFixed(0)}%`,
  };
}
