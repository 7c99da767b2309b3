import { describe, expect, it } from 'vitest';
import {
  fewSteps,
  smoothedCurve,
  sortedQuantile,
  stepWindows,
  thin,
} from '../../src/training/training-curve.js';

const line = (n: number) => Float32Array.from({ length: n }, (_, i) => 3 * i);

describe('a curve of many steps', () => {
  it('smoothed, a straight line stays where it is, but for its ends', () => {
    const smoothed = smoothedCurve(line(50_000));
    expect(smoothed.length).toBe(300);
    expect([smoothed[0].step, smoothed.at(-1)!.step]).toEqual([1, 50_000]);
    for (const { step, value } of smoothed.slice(1, -7)) expect(value).toBeCloseTo(3 * (step - 1), 2);
  });

  it('in windows, every step is in one', () => {
    for (const n of [1, 7, 200, 1001]) {
      const windows = stepWindows(line(n), 200);
      expect(windows.length).toBe(Math.min(n, 200));
      expect(windows[0].first).toBe(1);
      expect(windows.at(-1)!.last).toBe(n);
      for (const [i, { first }] of windows.slice(1).entries()) expect(first).toBe(windows[i].last + 1);
      const sum = windows.reduce((total, { first, last, mean }) => total + mean * (last - first + 1), 0);
      expect(sum).toBeCloseTo((3 * n * (n - 1)) / 2, 5);
    }
  });

  it('in one window has the quantiles of its steps', () => {
    const shuffled = line(101).map((_, i) => (i * 37) % 101);
    expect(stepWindows(shuffled, 1)).toEqual([
      { first: 1, last: 101, mean: 50, median: 50, low: 10, high: 90 },
    ]);
    expect(sortedQuantile([1, 2, 4], 0.75)).toBe(3);
  });

  it('of 400 steps is drawn step by step, of more it is not', () => {
    expect(fewSteps(line(400))).toHaveLength(400);
    expect(fewSteps(line(401))).toBeNull();
  });

  it('thinned, its last stays', () => {
    expect(thin([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([1, 4, 7]);
    expect(thin([1, 2], 3)).toEqual([1, 2]);
  });
});
