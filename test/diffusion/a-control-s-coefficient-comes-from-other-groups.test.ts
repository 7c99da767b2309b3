import { expect, it } from 'vitest';
import { FittedCoefficient, priorCoefficient } from '../../src/diffusion/fitted-coefficient.js';

const tokens = [128, 128, 100, 128, 90, 128, 128, 64];
const controls = [30, -12, 7, -41, 3, 19, -8, 2];

it('finds β beside a loss in proportion to the tokens', () => {
  const fit = new FittedCoefficient(2);
  for (let repeat = 0; repeat < 200; repeat++) {
    for (const [i, c] of controls.entries()) fit.add(1, 4.7 * tokens[i] + 0.63 * c, c, tokens[i]);
  }
  expect(fit.withoutGroup(0)).toBeCloseTo(0.63, 2);
});

it('leaves out the group that it corrects', () => {
  const betas = [1, -50].map((slope) => {
    const fit = new FittedCoefficient(3);
    for (const [i, c] of controls.entries()) {
      fit.add(i % 2, 300 + 0.9 * c, c, tokens[i]);
      fit.add(2, 300 + slope * c, c, tokens[i]);
    }
    return [fit.withoutGroup(2), fit.withoutGroup(0)];
  });
  expect(betas[0][0]).toBe(betas[1][0]);
  expect(betas[0][1]).not.toBe(betas[1][1]);
});

it('has a coefficient when there is nothing to fit, and does not leap at one sequence', () => {
  const fit = new FittedCoefficient(2);
  expect(fit.withoutGroup(0)).toBe(priorCoefficient);
  fit.add(1, 900, 0, 128);
  expect(fit.withoutGroup(0)).toBe(priorCoefficient);
  // One sequence cannot tell β from its own level.
  const one = new FittedCoefficient(2);
  one.add(1, 900, 5, 128);
  expect(one.withoutGroup(0)).toBeCloseTo(priorCoefficient, 9);
});
