import { describe, expect, it } from 'vitest';
import { fillUniforms } from '../../src/random/uniforms.js';
import {
  bootstrap,
  bootstrapT,
  resample,
  sampleQuantile,
  standardDeviation,
} from '../../src/statistics/bootstrap.js';

/** Exponential, mean 1. */
function draws(size: number, trial: number): Float64Array {
  const out = new Float64Array(size);
  fillUniforms(out, { seed: 99, stream: 0x30, sequence: trial, step: 0 });
  return out.map((u) => -Math.log1p(-u));
}

const meanOf = (values: Float64Array) => (indices: Uint32Array) =>
  indices.reduce((sum, index) => sum + values[index], 0) / indices.length;

const meanWithError = (values: Float64Array) => (indices: Uint32Array) => {
  const drawn = Float64Array.from(indices, (index) => values[index]);
  return { value: meanOf(values)(indices), stderr: standardDeviation(drawn)! / Math.sqrt(drawn.length) };
};

describe('the bootstrap', () => {
  it('covers the mean of a known distribution about as often as it says', () => {
    const trials = 400;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const values = draws(8, trial);
      const { ci95 } = bootstrapT(8, meanWithError(values), { seed: 5, resamples: 400, group: trial });
      if (ci95![0] <= 1 && 1 <= ci95![1]) covered++;
    }
    // Of so skewed a distribution at 8 draws 93%, where percentiles have 86; 4 standard errors of the trials are 4.5%.
    expect(covered / trials).toBeGreaterThan(0.885);
    expect(covered / trials).toBeLessThan(0.985);
  });

  it("has the standard error of the mean, σ̂/√n with n in σ̂'s denominator", () => {
    const values = draws(200, 7);
    const replicates = bootstrap(200, meanOf(values), { seed: 1 });
    const exact = (standardDeviation(values)! * Math.sqrt(199 / 200)) / Math.sqrt(200);
    // The error of a standard deviation from 2,000 replicates is 1.6%.
    expect(Math.abs(standardDeviation(replicates)! / exact - 1)).toBeLessThan(0.065);
  });

  it('gives no interval from fewer than 3 draws', () => {
    const two = bootstrapT(2, meanWithError(draws(2, 1)), { seed: 1 });
    expect([two.stderr, two.ci95]).toEqual([null, null]);
    expect(bootstrapT(3, meanWithError(draws(3, 1)), { seed: 1 }).ci95).not.toBeNull();
  });

  it('is the same for the same seed, and another for another seed or group', () => {
    const of = (seed: number, group: number) =>
      Array.from(bootstrap(50, meanOf(draws(50, 1)), { seed, group, resamples: 5 }));
    expect(of(1, 0)).toEqual(of(1, 0));
    expect(of(2, 0)).not.toEqual(of(1, 0));
    expect(of(1, 1)).not.toEqual(of(1, 0));
  });

  it('draws every index equally often', () => {
    const counts = new Float64Array(8);
    const indices = new Uint32Array(80);
    for (let replicate = 0; replicate < 500; replicate++) {
      resample(indices, 8, replicate, { seed: 3 });
      for (const index of indices) counts[index]++;
    }
    const expected = 5000;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(24.3); // 7 degrees of freedom, 0.1%
  });

  it('has quantiles between the two nearest values', () => {
    expect(sampleQuantile([0, 10, 20, 30], 0.5)).toBe(15);
    expect(sampleQuantile([0, 10, 20, 30], 0.1)).toBeCloseTo(3, 12);
    expect(sampleQuantile([4], 0.975)).toBe(4);
    expect(() => sampleQuantile([], 0.5)).toThrow('no quantile');
    expect(() => sampleQuantile(Float64Array.of(1, Number.NaN), 0.5)).toThrow('not a number');
  });
});
