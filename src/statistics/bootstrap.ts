/**
 * The bootstrap over sequences (Efron 1979): statistics of samples drawn from the sample, with replacement. Replicate r
 * draws with uniforms of its own, a function of (seed, group, r), so that an interval is the same whenever it is computed.
 *
 * Intervals are bootstrap-t (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 12): the spread of
 * (replicate − estimate)/(the replicate's own standard error) takes the place of Student's t. At 8 samples of a skewed ratio
 * they cover some 94% where percentiles of the replicates cover 89% (calibrate --intervals). Fewer than 8 samples have too few
 * replicates that differ: a replicate of almost equal samples has almost no error, and the interval no end. They get Student's t.
 */
import { DomainError } from '../errors.js';
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import { studentQuantile95 } from './student.js';

/** Replicates unless told: the ends of a 95% interval are then off by about 2% of its width. */
export const RESAMPLES = 2000;

export interface BootstrapOptions {
  seed: number;
  /** Replicates. */
  resamples?: number;
  /** Keeps apart what must be independent: sequences of another set. 0 unless told. */
  group?: number;
}

/** Indices of replicate `replicate`, into `out`: as many as `out` is long, from 0 to size − 1. */
export function resample(out: Uint32Array, size: number, replicate: number, options: BootstrapOptions): void {
  const uniforms = new Float64Array(out.length);
  const { seed, group = 0 } = options;
  fillUniforms(uniforms, { seed, stream: streams.resample, sequence: group, step: replicate });
  for (let i = 0; i < out.length; i++) out[i] = Math.floor(uniforms[i] * size);
}

/**
 * The statistic of every replicate, in their order.
 * @param size sequences in the sample   @param statistic of sequences given by index, with repetitions
 */
export function bootstrap(
  size: number,
  statistic: (indices: Uint32Array) => number,
  options: BootstrapOptions,
): Float64Array {
  const indices = new Uint32Array(size);
  return Float64Array.from({ length: options.resamples ?? RESAMPLES }, (_, replicate) => {
    resample(indices, size, replicate, options);
    return statistic(indices);
  });
}

/** A statistic and its standard error by linearisation. */
export interface Linearised {
  value: number;
  stderr: number;
}

/** Of fewer samples nobody knows an error. */
const LEAST_SAMPLES = 3;
/** Of fewer samples the bootstrap-t has no end. */
const LEAST_RESAMPLED = 8;

/** How the interval of a statistic of so many samples is made. */
export const intervalMethod = (samples: number): 'bootstrap-t' | 'student-t' =>
  samples < LEAST_RESAMPLED ? 'student-t' : 'bootstrap-t';

/**
 * A statistic with its standard error and 95% interval, bootstrap-t or, of fewer than 8 samples, Student's t with one degree of
 * freedom less than samples; both null with fewer than 3. Replicates without an error of their own (one sample drawn all the
 * time) count for nothing.
 * @param statistic of samples given by index, with repetitions
 */
export function bootstrapT(
  size: number,
  statistic: (indices: Uint32Array) => Linearised,
  options: BootstrapOptions,
): { value: number; stderr: number | null; ci95: [number, number] | null } {
  const { value, stderr } = statistic(Uint32Array.from({ length: size }, (_, i) => i));
  if (size < LEAST_SAMPLES || !Number.isFinite(value) || !Number.isFinite(stderr))
    return { value, stderr: null, ci95: null };
  if (stderr === 0) return { value, stderr, ci95: [value, value] };
  if (intervalMethod(size) === 'student-t') {
    const half = studentQuantile95(size - 1) * stderr;
    return { value, stderr, ci95: [value - half, value + half] };
  }
  const spread = bootstrap(
    size,
    (indices) => {
      const replicate = statistic(indices);
      return (replicate.value - value) / replicate.stderr;
    },
    options,
  ).filter(Number.isFinite);
  const sorted = spread.sort();
  return {
    value,
    stderr,
    ci95: [value - sampleQuantile(sorted, 0.975) * stderr, value - sampleQuantile(sorted, 0.025) * stderr],
  };
}

/** Quantile of sorted values, interpolated between the two nearest (Hyndman and Fan 1996, type 7). */
export function sampleQuantile(sorted: ArrayLike<number>, probability: number): number {
  const last = sorted.length - 1;
  if (last < 0 || Number.isNaN(sorted[last])) {
    throw new DomainError({
      code: 'no-quantile',
      message:
        last < 0 ? 'There is no quantile of no values.' : 'There is no quantile of what is not a number.',
    });
  }
  const place = probability * last;
  const below = Math.floor(place);
  const share = place - below;
  return share === 0 ? sorted[below] : sorted[below] * (1 - share) + sorted[below + 1] * share;
}

/** Sample standard deviation; null with fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number | null {
  const n = values.length;
  if (n < 2) return null;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i] / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return Math.sqrt(squares / (n - 1));
}
