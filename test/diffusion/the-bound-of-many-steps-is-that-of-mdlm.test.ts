/** About src/diffusion/heads/losses.ts */
import { expect, it } from 'vitest';
import { levelOfStep, noiseSchedule } from '../../src/diffusion/schedule.js';
import { lossOfGivenLogits } from './given-logits.js';

const TOKENS = 4;
const LENGTH = 3;
const MASK = TOKENS;
const text = [2, 0, 3];

/** All masks of the text but the empty one. */
const masks = Array.from({ length: 2 ** LENGTH - 1 }, (_, subset) =>
  text.map((token, l) => (((subset + 1) >> l) % 2 === 1 ? MASK : token)),
);
const count = (z: readonly number[]) => z.filter((token) => token === MASK).length;
/** Of each mask, other logits; the mask itself is impossible. */
const logitsOf = (z: number) =>
  Float32Array.from({ length: LENGTH * (TOKENS + 1) }, (_, i) =>
    i % (TOKENS + 1) === MASK ? -60 : 2 * Math.sin(1 + 3.7 * i + 11 * z),
  );

/** Σ of the head's losses over the positions of each (mask, level), per unit of α. */
async function losses(family: 'mdlm' | 'd3pm', asked: { z: number; m: number; next: number }[]) {
  const rows = await lossOfGivenLogits({
    ...{ family, vocabSize: TOKENS + 1, maskTokenId: MASK },
    logits: Float32Array.from(asked.flatMap(({ z }) => [...logitsOf(z)])),
    targets: asked.map(() => text),
    noisy: asked.map(({ z }) => masks[z]),
    oneMinusAlpha: asked.map(({ m }) => m),
    nextOneMinusAlpha: asked.map(({ next }) => next),
  });
  return rows.map((row) => row.reduce((sum, loss) => sum + loss, 0));
}

/** The sum over all steps and masks. */
async function boundOfSteps(steps: number): Promise<number> {
  const schedule = noiseSchedule({ type: 'log-linear', steps });
  const asked = Array.from({ length: steps }, (_, i) => i + 1).flatMap((i) =>
    masks.map((_, z) => ({
      z,
      m: levelOfStep(schedule, i, steps).oneMinusAlpha,
      next: levelOfStep(schedule, i - 1, steps).oneMinusAlpha,
    })),
  );
  const found = await losses('d3pm', asked);
  return asked.reduce((sum, { z, m, next }, k) => {
    const masked = count(masks[z]);
    return sum + m ** masked * (1 - m) ** (LENGTH - masked) * (m - next) * found[k];
  }, 0);
}

/** The integral of mdlm's loss over α: ∫ m^{k−1}(1−m)^{L−k} dm = (k−1)!(L−k)!/L!. */
async function boundOfMdlm(): Promise<number> {
  const found = await losses(
    'mdlm',
    masks.map((_, z) => ({ z, m: 1, next: 0 })),
  );
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  return masks.reduce((sum, z, k) => {
    const masked = count(z);
    return sum + (found[k] * factorial(masked - 1) * factorial(LENGTH - masked)) / factorial(LENGTH);
  }, 0);
}

it('falls towards it as 1/T where the mask is impossible', async () => {
  const limit = await boundOfMdlm();
  const gaps: number[] = [];
  for (const steps of [1, 4, 16, 64, 256, 1024]) gaps.push((await boundOfSteps(steps)) - limit);
  expect(limit).toBeGreaterThan(1);
  expect(Math.abs(gaps[5])).toBeLessThan(2e-3);
  for (const [k, gap] of gaps.entries()) if (k > 0) expect(Math.abs(gap)).toBeLessThan(Math.abs(gaps[k - 1]));
  // Four times the steps, a quarter of what is left.
  for (const k of [4, 5]) expect(Math.abs(gaps[k] / gaps[k - 1] - 0.25)).toBeLessThan(0.05);
});
