import { expect, it } from 'vitest';
import { learningRate } from '../../src/training/optimizer.js';

const options = { highest: 0.01, warmup: 10, steps: 110, final: 0.1 };

it('rises in a straight line from the first step', () => {
  expect(learningRate(options, 1)).toBeCloseTo(0.001, 12);
  expect(learningRate(options, 10)).toBeCloseTo(0.01, 12);
});

it('falls as half a cosine to its share, and stays there', () => {
  expect(learningRate(options, 60)).toBeCloseTo((0.01 + 0.001) / 2, 12);
  expect(learningRate(options, 35)).toBeCloseTo(0.001 + 0.009 * (0.5 + Math.SQRT1_2 / 2), 12);
  expect(learningRate(options, 110)).toBeCloseTo(0.001, 12);
  expect(learningRate(options, 200)).toBeCloseTo(0.001, 12);
});

it('is level without a fall, and needs no rise', () => {
  for (const step of [1, 50, 110]) expect(learningRate({ ...options, warmup: 0, final: 1 }, step)).toBe(0.01);
});
