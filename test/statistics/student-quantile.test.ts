import { describe, expect, it } from 'vitest';
import { studentQuantile95 } from '../../src/statistics/student.js';

describe("the 97.5% quantile of Student's t", () => {
  it.each([
    [1, 12.7062047364],
    [2, 4.3026527297],
    [3, 3.1824463053],
    [4, 2.7764451052],
    [10, 2.228138852],
    [30, 2.0422724563],
    [100, 1.9839715185],
    [120, 1.9799304051],
    [1000, 1.9623390808],
  ])('with %i degrees of freedom is %d, as tables have it', (degrees, quantile) => {
    expect(studentQuantile95(degrees)).toBeCloseTo(quantile, 7);
  });

  it('goes to the normal quantile and is infinite without freedom', () => {
    expect(studentQuantile95(1e9)).toBeCloseTo(1.959963985, 8);
    expect(studentQuantile95(0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('has no jump where the series hands over to the expansion', () => {
    const slope = studentQuantile95(100) - studentQuantile95(99);
    expect(studentQuantile95(101) - studentQuantile95(100)).toBeCloseTo(slope, 5);
  });
});
