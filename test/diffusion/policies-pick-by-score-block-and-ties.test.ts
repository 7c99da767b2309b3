import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import {
  pickPositions,
  positionsInTurn,
  timeOfShare,
  type UnmaskingPolicy,
} from '../../src/diffusion/unmasking.js';

/** Scores this close are equal. */
const TIE_TOLERANCE = 1e-5;
const policy: UnmaskingPolicy = {
  order: 'max-probability',
  tokensPerCall: 1,
  blockSize: null,
  ties: 'lowest',
  threshold: null,
};
const picks = (scores: number[], change: Partial<UnmaskingPolicy> = {}, uniforms: number[] = []) =>
  pickPositions(
    scores.map((_, i) => i),
    { scores, uniforms },
    { ...policy, ...change },
  );

describe('the positions in turn', () => {
  it('are all that are masked where there are no blocks', () => {
    expect(positionsInTurn([3, 8, 9], null)).toEqual([3, 8, 9]);
  });

  it('are those of the leftmost block that has any, counted from the start of the sequence', () => {
    expect(positionsInTurn([1, 2, 3, 4, 7], 4)).toEqual([1, 2, 3]);
    expect(positionsInTurn([4, 7, 8], 4)).toEqual([4, 7]);
    expect(positionsInTurn([8, 9], 4)).toEqual([8, 9]);
    expect(positionsInTurn([], 4)).toEqual([]);
  });
});

describe('a call reveals', () => {
  it('the positions with the highest scores, ascending', () => {
    expect(picks([0.1, 0.9, 0.5, 0.7], { tokensPerCall: 3 })).toEqual([1, 2, 3]);
    expect(picks([-3, -1, -2])).toEqual([1]);
  });

  it('what there is where fewer are left', () => {
    expect(picks([0.1, 0.2], { tokensPerCall: 5 })).toEqual([0, 1]);
    expect(picks([])).toEqual([]);
  });

  it('of equal positions the lowest, those within the tolerance being equal', () => {
    const half = TIE_TOLERANCE / 2;
    expect(picks([0.5, 0.2, 0.5 + half])).toEqual([0]);
    expect(picks([0.5, 0.2, 0.5 + 3 * half])).toEqual([2]);
  });

  it('one after the other: what is equal depends on the best that is left', () => {
    // 0.5 ties with the first best only once that is gone.
    const [a, b, c] = [0.5, 0.5 + 0.8 * TIE_TOLERANCE, 0.5 + 1.6 * TIE_TOLERANCE];
    expect(picks([a, c, b])).toEqual([1]);
    expect(picks([a, c, b], { tokensPerCall: 2 })).toEqual([0, 1]);
  });

  it('of equal positions the one with the smallest uniform number, where ties are drawn', () => {
    expect(picks([0.5, 0.5, 0.1, 0.5], { ties: 'seeded' }, [0.9, 0.4, 0.1, 0.3])).toEqual([3]);
    expect(picks([0.5, 0.5, 0.1, 0.5], { ties: 'seeded', tokensPerCall: 2 }, [0.9, 0.4, 0.1, 0.3])).toEqual([
      1, 3,
    ]);
  });

  it('every position above the threshold, and at least as many as it must', () => {
    const scores = [0.95, 0.2, 0.99, 0.91];
    expect(picks(scores, { threshold: 0.9 })).toEqual([0, 2, 3]);
    expect(picks(scores, { threshold: 0.999 })).toEqual([2]);
    expect(picks(scores, { threshold: 0.94, tokensPerCall: 3 })).toEqual([0, 2, 3]);
  });

  it('the lowest from left to right, and those with the smallest numbers at random, whatever the scores', () => {
    expect(picks([0.1, 0.9, 0.5], { order: 'left-to-right', tokensPerCall: 2 })).toEqual([0, 1]);
    expect(picks([0.1, 0.9, 0.5], { order: 'random', tokensPerCall: 2 }, [0.3, 0.8, 0.1])).toEqual([0, 2]);
  });
});

describe('the noise level of a text that is being revealed', () => {
  const schedule = noiseSchedule({ type: 'log-linear' });

  it('is that of the share still masked', () => {
    expect(schedule.sigma(timeOfShare(schedule, 5 / 8))).toBeCloseTo(-Math.log(3 / 8), 12);
    expect(schedule.sigma(timeOfShare(schedule, 1e-9))).toBeCloseTo(1e-9, 16);
  });

  it('ends with the schedule', () => {
    expect(timeOfShare(schedule, 1)).toBe(1);
  });
});
