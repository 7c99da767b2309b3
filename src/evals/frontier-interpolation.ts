/**
 * Generative perplexity at a given entropy. A temperature sweep gives points (entropy, nats a token); between neighbours in
 * entropy the nats, so the logarithm of perplexity, are taken as linear. So models are compared at equal variety.
 *
 * The interval is over samples: in every bootstrap replicate each point's samples are drawn anew, its entropy and nats are
 * computed together, since a sample's two are correlated, and the interpolation is done again.
 */

import type { SampledFigure } from '../results/generative-record.js';
import {
  type BootstrapOptions,
  bootstrap,
  percentileInterval,
  RESAMPLES,
  resample,
  standardDeviation,
} from '../statistics/bootstrap.js';
import { sum } from '../statistics/summation.js';
import type { JudgedSamples } from './generative-perplexity.js';

/** One temperature of a sweep, sample by sample. */
export interface SweepPoint extends JudgedSamples {
  temperature: number;
  /** Unigram entropy of each sample, nats. */
  entropies: Float64Array;
}

export interface AtEntropy {
  /** The entropy asked for; of reference samples, their mean. */
  entropy: number;
  /** At that entropy; unknown where the sweep does not reach it. */
  genPpl: SampledFigure;
  /** The temperature that would have it, interpolated like the nats. */
  temperature: number | null;
  /** Share of the replicates whose sweep did not reach it. */
  outside: number;
}

/** With more replicates than this outside the sweep, an interval of the others would be too short. */
const MOST_OUTSIDE = 0.025;

/**
 * The value at `x`, linear between the neighbours in x; null outside all of them. Points of equal x count as their mean.
 * @param points in any order
 */
export function interpolated(points: readonly { x: number; y: number }[], x: number): number | null {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const same = sorted.filter((point) => point.x === x);
  if (same.length > 0) return same.reduce((total, { y }) => total + y / same.length, 0);
  const above = sorted.findIndex((point) => point.x > x);
  if (above < 1) return null;
  const [low, high] = [sorted[above - 1], sorted[above]];
  return low.y + ((high.y - low.y) * (x - low.x)) / (high.x - low.x);
}

/**
 * @param points of one model, sampler and number of steps
 * @param target nats; or the entropies of reference samples, whose own error then enters the interval
 */
export function perplexityAtEntropy(
  points: readonly SweepPoint[],
  target: number | Float64Array,
  options: BootstrapOptions,
): AtEntropy {
  const entropy = typeof target === 'number' ? target : sum(target) / target.length;
  const places = points.map((point) => ({ ...placeOf(point), temperature: point.temperature }));
  const nll = interpolated(places, entropy);
  const temperature = interpolated(
    places.map(({ x, temperature: y }) => ({ x, y })),
    entropy,
  );
  if (nll === null)
    return { entropy, genPpl: { value: null, stderr: null, ci95: null }, temperature, outside: 1 };
  const replicates = replicatesOf(points, target, options);
  const inside = replicates.filter((value) => !Number.isNaN(value)).map(Math.exp);
  const outside = 1 - inside.length / replicates.length;
  const known = outside <= MOST_OUTSIDE && inside.length > 1;
  return {
    entropy,
    genPpl: {
      value: Math.exp(nll),
      stderr: known ? standardDeviation(inside) : null,
      ci95: known ? percentileInterval(inside) : null,
    },
    temperature,
    outside,
  };
}

/** Nats at the entropy, a replicate each; NaN where the sweep does not reach it. */
function replicatesOf(
  points: readonly SweepPoint[],
  target: number | Float64Array,
  options: BootstrapOptions,
): Float64Array {
  const groups = points.length + 1;
  const first = (options.group ?? 0) * groups;
  const memory = points.map(({ nats }) => new Uint32Array(nats.length));
  const targets =
    typeof target === 'number'
      ? null
      : bootstrap(target.length, (indices) => mean(target, indices), { ...options, group: first });
  return Float64Array.from({ length: options.resamples ?? RESAMPLES }, (_, replicate) => {
    const places = points.map((point, i) => {
      const indices = memory[i];
      resample(indices, indices.length, replicate, { ...options, group: first + 1 + i });
      return placeOf(point, indices);
    });
    const at = targets ? targets[replicate] : (target as number);
    return interpolated(places, at) ?? Number.NaN;
  });
}

/** Entropy (x) and nats a token (y) of a point, or of the samples of it that are named. */
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
