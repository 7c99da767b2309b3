import { expect, it } from 'vitest';
import { lastLoss, surelyAbove } from '../../src/training/loss-tables.js';

/** Falls to `mean` within nine tenths of the steps, and scatters about it by as much as said. */
const curve = (steps: number, mean: number, scatter: number) =>
  Float32Array.from({ length: 2 * steps }, (_, i) => {
    const step = Math.floor(i / 2);
    if (i % 2 === 1) return 1;
    return step < 0.9 * steps ? 100 : mean + (step % 2 === 0 ? scatter : -scatter);
  });

it('the last tenth of the losses is what counts', () => {
  expect(lastLoss(curve(1000, 6, 0.5))).toBeCloseTo(6, 5);
});

it.each([
  ['above by more than its error', 1000, 6, 0.5, true],
  ['above by less than three standard errors', 1000, 5.6, 1, false],
  ['below', 1000, 5.4, 0.1, false],
  ['above, of too few steps to tell', 50, 9, 0.1, false],
])('a loss %s', (_how, steps, mean, scatter, above) => {
  expect(surelyAbove(curve(steps, mean, scatter), 5.5)).toBe(above);
});
