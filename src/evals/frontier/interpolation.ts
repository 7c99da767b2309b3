/**
 * Generative perplexity at a given entropy. A temperature sweep gives points (entropy, nats per token); between neighbours in
 * entropy the nats, the logarithm of perplexity, are interpolated linearly. Models are then compared at equal entropy.
 *
 * The interval is over samples. Every bootstrap replicate draws one set of sample numbers for all temperatures: sample i uses
 * the same random numbers at each, so its figures are correlated across temperatures, as its entropy and nats are within one.
 * Each replicate is interpolated anew, and the standard deviation of the replicates' nats is the standard error; Student's t around
 * the logarithm of perplexity makes the interval, which with few samples covers better than percentiles do.
 */

import { fillNormals } from '../../random/normals.js';
import { streams } from '../../random/streams.js';
import type { SampledFigure } from '../../records/figures.js';
import { type BootstrapOptions, RESAMPLES, resample, standardDeviation } from '../../statistics/bootstrap.js';
import { sum } from '../../statistics/numbers.js';
import { studentQuantile95 } from '../../statistics/student.js';
import type { JudgedSamples } from '../generation/generative-perplexity.js';

/** One temperature of a sweep, sample by sample. */
export interface SweepPoint extends JudgedSamples {
  temperature: number;
  /** Unigram entropy of each sample, nats. */
  entropies: Float64Array;
}

export interface AtEntropy {
  /** The target entropy; for real text, its mean. */
  entropy: number;
  /** Perplexity at that entropy; null values where the sweep does not reach it. */
  genPpl: SampledFigure;
  /** The temperature at that entropy, interpolated like the nats. */
  temperature: number | null;
  /** Share of the replicates whose sweep did not reach it. */
  outside: number;
}

/** If a larger share of replicates is outside the sweep, an interval from the others would be too short. */
const MOST_OUTSIDE = 0.025;
/** Minimum number of samples for an interval. */
const LEAST_SAMPLES = 3;

/**
 * The value at `x`, linear between the neighbours in x; null outside all of them. Points of equal x count as their mean.
 * @param points in any order
 */
export function interpolate(points: readonly { x: number; y: number }[], x: number): number | null {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const same = sorted.filter((point) => point.x === x);
  if (same.length > 0) return same.reduce((total, { y }) => total + y / same.length, 0);
  const above = sorted.findIndex((point) => point.x > x);
  if (above < 1) return null;
  const [low, high] = [sorted[above - 1], sorted[above]];
  return low.y + ((high.y - low.y) * (x - low.x)) / (high.x - low.x);
}

/** The target entropy; for real text with its error over units of text. */
export interface EntropyTarget {
  value: number;
  /** 0 for a given number; null where there is too little real text. */
  stderr: number | null;
  /** Degrees of freedom of that error. */
  degrees: number;
}

/** @param points of one model, sampler and number of steps   @param target nats */
export function perplexityAtEntropy(
  points: readonly SweepPoint[],
  target: number | EntropyTarget,
  options: BootstrapOptions,
): AtEntropy {
  const {
    value: entropy,
    stderr: targetError,
    degrees: targetDegrees,
  } = typeof target === 'number' ? { value: target, stderr: 0, degrees: Number.POSITIVE_INFINITY } : target;
  const places = points.map((point) => ({ ...placeOf(point), temperature: point.temperature }));
  const nll = interpolate(places, entropy);
  const temperature = interpolate(
    places.map(({ x, temperature: y }) => ({ x, y })),
    entropy,
  );
  const unknown = { stderr: null, ci95: null };
  if (nll === null) return { entropy, genPpl: { value: null, ...unknown }, temperature, outside: 1 };
  const replicates = replicatesOf(points, { entropy, error: targetError ?? 0 }, options);
  const inside = replicates.filter((value) => !Number.isNaN(value));
  const outside = 1 - inside.length / replicates.length;
  const value = Math.exp(nll);
  const samples = Math.min(...points.map(({ nats }) => nats.length));
  const deviation = outside > MOST_OUTSIDE || targetError === null ? null : standardDeviation(inside);
  if (deviation === null || samples < LEAST_SAMPLES)
    return { entropy, genPpl: { value, ...unknown }, temperature, outside };
  // The bootstrap variance is too small by a factor (n − 1)/n.
  const stderr = deviation * Math.sqrt(samples / (samples - 1));
  const margin = studentQuantile95(Math.min(samples - 1, targetDegrees)) * stderr;
  return {
    entropy,
    genPpl: { value, stderr: value * stderr, ci95: [Math.exp(nll - margin), Math.exp(nll + margin)] },
    temperature,
    outside,
  };
}

/**
 * A figure at an entropy, linear between its neighbours. The samples of all temperatures share their random numbers, so the errors of neighbours
 * add up at most; that of the entropy moves the place. The interval is Student's t of the fewest samples, within the limits.
 * @param points in any order   @param limits of the figure
 */
export function figureAtEntropy(
  points: readonly { entropy: SampledFigure; figure: SampledFigure; samples: number }[],
  { value: at, stderr: targetError, degrees }: EntropyTarget,
  [least, most]: readonly [number, number],
): SampledFigure {
  const placed = points.flatMap(({ entropy, figure, samples }) =>
    entropy.value === null || figure.value === null
      ? []
      : [{ x: entropy.value, y: figure.value, ofEntropy: entropy.stderr, error: figure.stderr, samples }],
  );
  const value = interpolate(placed, at);
  if (value === null) return { value, stderr: null, ci95: null };
  const along = (of: (point: (typeof placed)[number]) => number) =>
    interpolate(
      placed.map((point) => ({ x: point.x, y: of(point) })),
      at,
    ) ?? 0;
  const sorted = [...placed].sort((a, b) => a.x - b.x);
  const above = Math.max(
    1,
    sorted.findIndex(({ x }) => x >= at),
  );
  const [low, high] = [sorted[above - 1], sorted[above]];
  const near = high ? [low, high] : [low];
  if (targetError === null || near.some((one) => one.error === null || one.ofEntropy === null))
    return { value, stderr: null, ci95: null };
  const slope = high && high.x > low.x ? (high.y - low.y) / (high.x - low.x) : 0;
  const place = Math.hypot(
    along((one) => one.ofEntropy ?? 0),
    targetError,
  );
  const stderr = Math.hypot(
    along((one) => one.error ?? 0),
    slope * place,
  );
  const fewest = Math.min(...placed.map(({ samples }) => samples));
  const half = studentQuantile95(Math.max(1, Math.min(fewest - 1, degrees))) * stderr;
  return { value, stderr, ci95: [Math.max(least, value - half), Math.min(most, value + half)] };
}

/** Nats at the entropy, one per replicate; NaN where the sweep does not reach it. */
function replicatesOf(
  points: readonly SweepPoint[],
  { entropy, error }: { entropy: number; error: number },
  options: BootstrapOptions,
): Float64Array {
  const count = options.resamples ?? RESAMPLES;
  const { seed, group = 0 } = options;
  const shifts = new Float32Array(count);
  fillNormals(shifts, { seed, stream: streams.resampleTarget, sequence: 0, step: 0 });
  const sizes = new Set(points.map(({ nats }) => nats.length));
  const memory = new Map([...sizes].map((size) => [size, new Uint32Array(size)]));
  return Float64Array.from({ length: count }, (_, replicate) => {
    // Temperatures with equally many samples share one set of sample numbers.
    for (const [size, indices] of memory) resample(indices, size, replicate, { seed, group });
    // `memory` has the size of every point
    const places = points.map((point) => placeOf(point, memory.get(point.nats.length)!));
    return interpolate(places, entropy + error * shifts[replicate]) ?? Number.NaN;
  });
}

/** Entropy (x) and nats per token (y) of a point, over all its samples or those with these indices. */
function placeOf({ nats, tokens, entropies }: SweepPoint, indices?: Uint32Array): { x: number; y: number } {
  if (!indices) return { x: sum(entropies) / entropies.length, y: sum(nats) / sum(tokens) };
  let [natsOf, tokensOf] = [0, 0];
  for (const index of indices) {
    natsOf += nats[index];
    tokensOf += tokens[index];
  }
  return { x: mean(entropies, indices), y: natsOf / tokensOf };
}

function mean(values: Float64Array, indices: Uint32Array): number {
  let total = 0;
  for (const index of indices) total += values[index];
  return total / indices.length;
}
