/** About src/statistics/aup.ts */
import { describe, expect, it } from 'vitest';
import { accuracyUnderParallelism, countedPoints } from '../../src/statistics/aup.js';

const points = (rho: readonly number[], percent: readonly number[]) =>
  rho.map((tokensPerForward, i) => ({ tokensPerForward, accuracy: percent[i] / 100 }));

describe('AUP', () => {
  // Tokens per forward, accuracies and the best one in percent; the value is that of the authors' get_aup, run on them.
  it.each([
    [[1.0, 9.11], [74.02, 73.09], 74.98, 637.6549264841269],
    [[1.0, 2.77], [74.79, 74.68], 74.98, 205.78111501189068],
    [[1.0, 5.74], [32.76, 30.36], 41.15, 107.64192720243037],
    [[8, 1, 4, 2], [70.5, 74.0, 73.5, 60.0], 74.0, 559.435790858462],
    [[1, 2, 4], [60, 62, 58], 62.0, 228.02656668136382],
    [[1.0], [41.15], 41.15, 41.15],
    [[2, 4, 8], [80.0, 76.0, 75.0], 90.0, 451.27841524505493],
  ])('of %j and %j is what its authors compute', (rho, percent, best, value) => {
    expect(accuracyUnderParallelism(points(rho, percent), best / 100)).toBeCloseTo(value, 9);
  });

  it('is the formula, term by term, where one point falls out', () => {
    const given = points([1, 2, 4], [80, 70, 76]);
    const weight = (y: number) => Math.min(Math.exp(-3 * (1 - y / 90)), 1);
    const byHand = 1 * 80 + ((4 - 1) * (76 * weight(76) + 80 * weight(80))) / 2;
    expect(accuracyUnderParallelism(given, 0.9)).toBeCloseTo(byHand, 10);
    expect(countedPoints(given).map(({ tokensPerForward }) => tokensPerForward)).toEqual([1, 4]);
  });

  it('of a decoder that is never right is 0, whatever the best is', () => {
    expect(accuracyUnderParallelism(points([1, 4], [0, 0]), 0)).toBe(0);
    expect(accuracyUnderParallelism(points([1, 4], [0, 0]), 0.5)).toBe(0);
  });
});
