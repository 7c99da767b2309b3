import { expect, it } from 'vitest';
import { diffusionTransformation } from '../../src/diffusion/transformation.js';
import {
  curriculumLevel,
  gammaRange,
  inverseTemperature,
  publishedCurriculum,
} from '../../src/training/curriculum.js';

const K = 50_258;

it('the published α are those of the γ in scripts/train_owt_duo.sh: −3.55 and −1.85', () => {
  const { least, largest } = gammaRange(publishedCurriculum, K);
  expect(Math.abs(least + 3.55)).toBeLessThan(0.01);
  expect(Math.abs(largest + 1.85)).toBeLessThan(0.01);
});

it.each([5, 1024])('a level is that of its γ, and its slope the derivative by t: %i tokens', (vocabSize) => {
  const range = gammaRange(publishedCurriculum, vocabSize);
  expect(curriculumLevel(range, 0, vocabSize).oneMinusAlpha).toBeCloseTo(1 - 0.945, 9);
  expect(curriculumLevel(range, 1, vocabSize).oneMinusAlpha).toBeCloseTo(1 - 0.049, 9);
  for (const t of [0.1, 0.5, 0.9]) {
    const level = curriculumLevel(range, t, vocabSize);
    expect(level.signal ** 2 + level.noise ** 2).toBeCloseTo(1, 12);
    const gamma = Math.log(level.noise ** 2 / level.signal ** 2);
    expect(1 - diffusionTransformation(gamma, vocabSize)).toBeCloseTo(level.oneMinusAlpha, 9);
    expect(Math.exp(-level.sigma)).toBeCloseTo(1 - level.oneMinusAlpha, 12);
    const at = (time: number) => curriculumLevel(range, time, vocabSize).oneMinusAlpha;
    expect((at(t + 1e-5) - at(t - 1e-5)) / 2e-5).toBeCloseTo(level.slope, 6);
  }
});

it('the temperature goes from its first to its last in equal ratios', () => {
  const options = {
    ...publishedCurriculum,
    steps: 100,
    kept: 8,
    firstLogTemperature: -1,
    lastLogTemperature: -3,
  };
  expect(inverseTemperature(options, 1)).toBeCloseTo(10, 9);
  expect(inverseTemperature(options, 51)).toBeCloseTo(100, 6);
  expect(inverseTemperature(options, 101)).toBeCloseTo(1000, 6);
});
