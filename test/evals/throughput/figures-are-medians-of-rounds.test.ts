import { describe, expect, it } from 'vitest';
import { medianFigure, speedUp } from '../../../src/evals/throughput/timing.js';
import { uniform } from '../../../src/random/uniforms.js';

describe('a median', () => {
  it('is the middle value, or the mean of the two', () => {
    expect(medianFigure([3, 1, 2]).value).toBe(2);
    expect(medianFigure([4, 1, 2, 3]).value).toBe(2.5);
  });

  // Ranks from tables of the binomial distribution (n, ½).
  it.each([
    [5, null],
    [6, 1],
    [8, 1],
    [9, 2],
    [12, 3],
    [20, 6],
    [50, 18],
  ])('of %i values has its interval from rank %j', (n, rank) => {
    const values = Array.from({ length: n }, (_, i) => i + 1);
    const expected = rank === null ? null : [rank, n + 1 - rank];
    expect(medianFigure(values).ci95).toEqual(expected);
  });

  it('of skewed values is covered at least as often as is said', () => {
    let covered = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const values = Array.from({ length: 12 }, (_, i) =>
        Math.exp(3 * uniform({ seed: 4, stream: 0x30, sequence: trial, step: i })),
      );
      const [low, high] = medianFigure(values).ci95!;
      if (low <= Math.exp(1.5) && Math.exp(1.5) <= high) covered++;
    }
    // Exactly 96.1% at 12 values; 4 standard errors of the trials are 1.7%.
    expect(Math.abs(covered / trials - 0.9614)).toBeLessThan(0.018);
  });
});

describe('a speed-up', () => {
  it('is the median of the ratios of rounds, so what slows a round for all counts for nothing', () => {
    const own = { seconds: [1, 1, 10, 1.1], tokens: 100 };
    const other = { seconds: [4, 4, 40, 4.4], tokens: 200 };
    expect(speedUp(own, other)).toBeCloseTo(2, 12);
    expect(speedUp(own, own)).toBe(1);
    expect(() => speedUp(own, { seconds: [1], tokens: 1 })).toThrow('same rounds');
  });
});
