/**
 * AUP, accuracy under parallelism, as its authors define it (Qian et al., d3LLM, `aup_utils.py`): the area under accuracy, in percent,
 * over tokens per forward. With points in rising order of tokens per forward ρ_i and accuracies y_i,
 *
 *   AUP = ρ_1·y_1 + Σ_i (ρ_i − ρ_{i−1})·(y_i·W(y_i) + y_{i−1}·W(y_{i−1}))/2,   W(y) = min(exp(−3(1 − y/y_max)), 1),
 *
 * where points more than 5 points of accuracy below the first are left out. A model that writes one token a call and is right in y
 * percent has an AUP of y.
 */
import { type Estimate, sampleQuantile, standardDeviation } from './bootstrap.js';
import { studentQuantile95 } from './student.js';

/** One setting of a decoder. */
export interface ParallelPoint {
  /** Tokens that it wrote per model call, above 0. */
  tokensPerForward: number;
  /** Share of right answers, 0 to 1. */
  accuracy: number;
}

const STEEPNESS = 3;
/** Share of answers, not percent. */
const MOST_LOST = 0.05;
/** 80% minus 75% is not to be more than 5% by rounding. */
const ROUNDING = 1e-12;

const slowestFirst = (points: readonly ParallelPoint[]): ParallelPoint[] =>
  [...points].sort((a, b) => a.tokensPerForward - b.tokensPerForward);

/** The points that count, slowest first. */
export function countedPoints<P extends ParallelPoint>(points: readonly P[]): P[] {
  const [first, ...others] = slowestFirst(points) as P[];
  const least = first.accuracy - MOST_LOST - ROUNDING;
  return [first, ...others.filter(({ accuracy }) => accuracy >= least)];
}

/** @param points at least one, in any order   @param best y_max as a share: the best accuracy of all that are compared */
export function accuracyUnderParallelism(points: readonly ParallelPoint[], best: number): number {
  const weighted = ({ accuracy }: ParallelPoint) =>
    best > 0 ? accuracy * Math.min(Math.exp(-STEEPNESS * (1 - accuracy / best)), 1) : 0;
  const counted = countedPoints(points);
  let area = counted[0].tokensPerForward * counted[0].accuracy;
  for (let i = 1; i < counted.length; i++) {
    const [before, point] = [counted[i - 1], counted[i]];
    area += ((point.tokensPerForward - before.tokensPerForward) * (weighted(point) + weighted(before))) / 2;
  }
  return 100 * area;
}

/** What each unit (an item, or items that share a text) adds to a setting: [units] each. */
export interface UnitSums {
  items: Float64Array;
  right: Float64Array;
  /** Tokens of the answers, and the model calls that wrote them. */
  written: Float64Array;
  calls: Float64Array;
}

/** A setting on units given by index, with repetitions. */
export function pointOfUnits(
  { items, right, written, calls }: UnitSums,
  indices: Uint32Array,
): ParallelPoint {
  let [count, rights, tokens, forwards] = [0, 0, 0, 0];
  for (const u of indices) {
    count += items[u];
    rights += right[u];
    tokens += written[u];
    forwards += calls[u];
  }
  return { accuracy: rights / count, tokensPerForward: tokens / forwards };
}

/**
 * AUP has steps, where a point falls out, and its best accuracy is that of the luckiest: at each end the interval is the wider of percentiles
 * and of Student's t.
 */
export function aupEstimate(value: number, replicates: Float64Array, units: number): Estimate {
  const sorted = replicates.sort();
  // Equal replicates have a deviation of rounding.
  const stderr = sorted[0] === sorted[sorted.length - 1] ? 0 : (standardDeviation(sorted) ?? 0);
  const half = studentQuantile95(units - 1) * stderr;
  const [low, high] = [sampleQuantile(sorted, 0.025), sampleQuantile(sorted, 0.975)];
  return { value, stderr, ci95: [Math.max(0, Math.min(low, value - half)), Math.max(high, value + half)] };
}
