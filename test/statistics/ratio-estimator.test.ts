import { describe, expect, it } from 'vitest';
import { ratio } from '../../src/statistics/ratio.js';

/** Small deterministic generator for test data (mulberry32). */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

describe('the ratio estimator', () => {
  it('is the mean with its textbook standard error when all sequences are equally long', () => {
    const { value, stderr, ci95 } = ratio(Float64Array.of(10, 20, 30, 60), new Float64Array(4).fill(10));
    expect(value).toBe(3);
    // Sample deviation of 1, 2, 3, 6 is √(14/3); t with 3 degrees of freedom is 3.18245.
    const sem = Math.sqrt(14 / 3 / 4);
    expect(stderr).toBeCloseTo(sem, 12);
    expect(ci95?.[1]).toBeCloseTo(3 + 3.182446305 * sem, 8);
    expect(ci95?.[0]).toBeCloseTo(3 - 3.182446305 * sem, 8);
  });

  it('weighs long sequences more, by their tokens', () => {
    expect(ratio(Float64Array.of(10, 300), Float64Array.of(10, 100)).value).toBeCloseTo(310 / 110, 14);
  });

  it('agrees with the jackknife on sequences of unequal length', () => {
    const uniform = uniforms(3);
    const x = Float64Array.from({ length: 400 }, () => 20 + Math.floor(100 * uniform()));
    const y = x.map((tokens) => tokens * (4 + 0.5 * normal(uniform)));
    const n = x.length;
    const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
    const leftOut = Array.from(y, (value, i) => (total(y) - value) / (total(x) - x[i]));
    const mean = leftOut.reduce((sum, value) => sum + value, 0) / n;
    const jackknife = Math.sqrt(((n - 1) / n) * leftOut.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    expect(Math.abs((ratio(y, x).stderr as number) / jackknife - 1)).toBeLessThan(0.01);
  });

  it.each([5, 30])('has intervals that hold the truth 95 times in 100 with %i sequences', (n) => {
    const uniform = uniforms(17);
    const trials = 4000;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const x = Float64Array.from({ length: n }, () => 80 + Math.floor(40 * uniform()));
      const y = x.map((tokens) => tokens * (3 + 0.4 * normal(uniform)));
      const [low, high] = ratio(y, x).ci95 as [number, number];
      if (low <= 3 && 3 <= high) held++;
    }
    // Standard error of the share is 0.0034; ±1.96 standard errors instead of Student's t would give 0.88 at n = 5.
    expect(Math.abs(held / trials - 0.95)).toBeLessThan(0.014);
  });

  it('has no error to tell with one sequence and no value without tokens', () => {
    expect(ratio(Float64Array.of(5), Float64Array.of(2))).toEqual({ value: 2.5, stderr: null, ci95: null });
    expect(ratio(new Float64Array(2), new Float64Array(2)).value).toBeNull();
  });

  it('refuses a loss that is not finite, naming the sequence', () => {
    expect(() => ratio(Float64Array.of(1, Number.NaN), Float64Array.of(1, 1))).toThrow(/Sequence 1 has NaN/);
  });
});
