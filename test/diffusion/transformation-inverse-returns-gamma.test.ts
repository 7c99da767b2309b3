import { expect, it } from 'vitest';
import {
  diffusionTransformation,
  inverseDiffusionTransformation,
  oneMinusDiffusionTransformation,
} from '../../src/diffusion/transformation.js';

it.each([2, 3, 8, 256, 50_258, 250_000])('with %i tokens, from γ = −6 to 14', (vocabSize) => {
  for (const gamma of [-6, -5.3, -4, -2.9, -1.7, 0, 1.1, 3, 6, 9.7, 12.7, 13.9, 14]) {
    const alpha = diffusionTransformation(gamma, vocabSize);
    const oneMinusAlpha = oneMinusDiffusionTransformation(gamma, vocabSize);
    expect(Math.abs(inverseDiffusionTransformation(alpha, vocabSize, oneMinusAlpha) - gamma)).toBeLessThan(
      1e-12,
    );
  }
});

it.each([
  [2, 12.7],
  [50_258, -0.1],
])('finds α = 1e-3 with %i tokens near γ = %d', (vocabSize, gamma) => {
  expect(inverseDiffusionTransformation(1e-3, vocabSize)).toBeCloseTo(gamma, 1);
});

it('reaches beyond its first bracket', () => {
  const gamma = inverseDiffusionTransformation(1e-9, 2);
  expect(gamma).toBeGreaterThan(14);
  expect(diffusionTransformation(gamma, 2) / 1e-9).toBeCloseTo(1, 12);
});

it.each([0, 1, -0.1, 1.1, Number.NaN])('refuses α = %d', (alpha) => {
  expect(() => inverseDiffusionTransformation(alpha, 8)).toThrow(/between 0 and 1/);
});
