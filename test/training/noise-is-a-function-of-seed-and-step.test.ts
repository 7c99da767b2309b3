import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { gammaRange, publishedCurriculum } from '../../src/training/curriculum.js';
import {
  keptCurriculumNoise,
  noisyBatch,
  stepTimes,
  wholeCurriculumNoise,
} from '../../src/training/noise.js';
import { denoisingFeeds } from '../../src/training/noisy-batch.js';
import { TOKEN_WEIGHTS } from '../../src/training/objective.js';
import { sequencesOfStep } from '../../src/training/text-order.js';

const [batch, length, vocabSize] = [8, 500, 30];
const dimensions = { hiddenSize: 8, conditionSize: 8, blocks: 1, heads: 1, vocabSize, length };
const x = Int32Array.from({ length: batch * length }, (_, i) => (i * 7) % (vocabSize - 1));
const schedule = noiseSchedule({ type: 'log-linear' });
const problem = (family: 'duo' | 'mdlm' | 'sedd') => ({
  family,
  dimensions,
  maskTokenId: family === 'duo' ? null : vocabSize - 1,
  batch,
  length,
});

describe('the order of the text', () => {
  it('takes every sequence once a pass, each pass in another order', () => {
    const read = Array.from({ length: 6 }, (_, i) => sequencesOfStep(3, 12, 4, i + 1)).flat();
    const passes = [read.slice(0, 12), read.slice(12)];
    for (const pass of passes) expect(pass.toSorted((a, b) => a - b)).toEqual([...Array(12).keys()]);
    expect(passes[0]).not.toEqual(passes[1]);
  });

  it('crosses the end of a pass within a step', () => {
    expect(sequencesOfStep(3, 5, 4, 2)[0]).toBe(
      [0, 1, 2, 3, 4].find((i) => !sequencesOfStep(3, 5, 4, 1).includes(i)),
    );
  });
});

it('times lie one in every part of the range, and change from step to step', () => {
  const times = stepTimes({ seed: 1, step: 5 }, batch);
  for (const [b, t] of times.entries()) {
    expect(t).toBeGreaterThanOrEqual(1e-3 + (0.999 * b) / batch);
    expect(t).toBeLessThan(1e-3 + (0.999 * (b + 1)) / batch);
  }
  expect(stepTimes({ seed: 1, step: 6 }, batch)).not.toEqual(times);
  expect(stepTimes({ seed: 1, step: 5 }, batch)).toEqual(times);
});

/** The share of changed tokens of each sequence is its 1 − α, within four standard errors. */
function expectShares(changed: (b: number) => number, probability: (b: number) => number): void {
  for (let b = 0; b < batch; b++) {
    const p = probability(b);
    expect(Math.abs(changed(b) - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / length) + 1e-9);
  }
}
const shareOf = (z: Int32Array, is: (token: number, i: number) => boolean) => (b: number) =>
  z.subarray(b * length, (b + 1) * length).filter((token, i) => is(token, b * length + i)).length / length;

it.each(['mdlm', 'sedd'] as const)('%s masks with 1 − α', (family) => {
  const noisy = noisyBatch(problem(family), schedule, x, { seed: 2, step: 9 });
  expectShares(
    shareOf(noisy.z, (token) => token === vocabSize - 1),
    (b) => noisy.oneMinusAlpha[b],
  );
  expect(shareOf(noisy.z, (token, i) => token !== x[i] && token !== vocabSize - 1)(3)).toBe(0);
  expect(noisy.slope[0]).toBeCloseTo(0.999, 12);
});

it('bd3lm masks every block with its own 1 − α, and never the first token', () => {
  const blockSize = 100;
  const levels = (batch * length) / blockSize;
  const blocks = { ...problem('mdlm'), family: 'bd3lm' as const, dimensions: { ...dimensions, blockSize } };
  const toTheEnd = noiseSchedule({ type: 'log-linear', eps: 0 });
  let gaps = 0;
  for (let step = 1; step <= 50; step++) {
    const noisy = noisyBatch(blocks, toTheEnd, x, { seed: 2, step });
    expect(noisy.oneMinusAlpha).toEqual(stepTimes({ seed: 2, step }, levels));
    expect(noisy.sigma).toEqual(new Float64Array(batch));
    for (const [level, p] of noisy.oneMinusAlpha.entries()) {
      const own = noisy.z.subarray(level * blockSize, (level + 1) * blockSize);
      const share = own.filter((token) => token === vocabSize - 1).length / blockSize;
      gaps += (share - p) ** 2 / ((p * (1 - p)) / blockSize + 1e-9);
    }
    for (let b = 0; b < batch; b++) expect(noisy.z[b * length]).toBe(x[b * length]);
  }
  // A mean of 2,000 squares of standardised numbers, but for the given tokens.
  expect(gaps / (50 * levels)).toBeGreaterThan(0.85);
  expect(gaps / (50 * levels)).toBeLessThan(1.15);
});

it('duo changes with 1 − α to any token, the same included', () => {
  const noisy = noisyBatch(problem('duo'), schedule, x, { seed: 2, step: 9 });
  const changed = (1 - 1 / vocabSize) * 1;
  expectShares(
    shareOf(noisy.z, (token, i) => token !== x[i]),
    (b) => changed * noisy.oneMinusAlpha[b],
  );
  expect(noisyBatch(problem('duo'), schedule, x, { seed: 2, step: 9 })).toEqual(noisy);
  expect(noisyBatch(problem('duo'), schedule, x, { seed: 2, step: 10 }).z).not.toEqual(noisy.z);
});

it('the curriculum changes as its α says, and keeps the largest entries', () => {
  const options = { ...publishedCurriculum, steps: 10, kept: 4 };
  const range = gammaRange(options, vocabSize);
  const noisy = keptCurriculumNoise(problem('duo'), options, range, x, { seed: 2, step: 9 });
  const changed = 1 - 1 / vocabSize;
  expectShares(
    shareOf(noisy.z, (token, i) => token !== x[i]),
    (b) => changed * noisy.oneMinusAlpha[b],
  );
  const { tokens, shares } = noisy.mixture;
  for (let i = 0; i < x.length; i++) {
    const row = shares.subarray(4 * i, 4 * i + 4);
    expect(tokens[4 * i + row.indexOf(Math.max(...row))]).toBe(noisy.z[i]);
    expect(new Set(tokens.subarray(4 * i, 4 * i + 4)).size).toBe(4);
  }
});

it('with all entries, too, and z is the largest', () => {
  const options = { ...publishedCurriculum, steps: 10, kept: vocabSize };
  const range = gammaRange(options, vocabSize);
  const noisy = wholeCurriculumNoise(problem('duo'), options, range, x, { seed: 2, step: 9 });
  const changed = 1 - 1 / vocabSize;
  expectShares(
    shareOf(noisy.z, (token, i) => token !== x[i]),
    (b) => changed * noisy.oneMinusAlpha[b],
  );
  for (let i = 0; i < x.length; i++) {
    const w = noisy.latent.subarray(i * vocabSize, (i + 1) * vocabSize);
    expect(w.indexOf(Math.max(...w))).toBe(noisy.z[i]);
  }
  expect(noisy.inverseTemperature).toBeCloseTo(1000, 6);
});

it('a first token that is given is never masked, and the mean is over the others', () => {
  const given = { ...problem('mdlm'), neverMasked: [0] };
  for (let step = 1; step <= 20; step++) {
    const noisy = noisyBatch(given, schedule, x, { seed: 2, step });
    for (let b = 0; b < batch; b++) expect(noisy.z[b * length]).toBe(x[b * length]);
    const weights = denoisingFeeds(given, noisy)[TOKEN_WEIGHTS].data as Float32Array;
    expect(Math.max(...weights)).toBeCloseTo(Math.max(...noisy.slope) / (batch * (length - 1)), 9);
  }
});
