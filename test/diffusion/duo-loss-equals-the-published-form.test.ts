import { expect, it } from 'vitest';
import { streams } from '../../src/random/streams.js';
import { fillUniforms } from '../../src/random/uniforms.js';
import { logSoftmax, uniformStateLoss } from './scalar-losses.js';

const K = 11;
const logits = new Float64Array(K);
fillUniforms(logits, { seed: 3, stream: streams.sourceToken, sequence: 0, step: 0 });
const xTheta = logSoftmax(logits.map((u) => 6 * u)).map(Math.exp);

/** The published form (arXiv 2506.10892), per unit of −dα, whose terms cancel. */
function published(x: number, z: number, alpha: number): number {
  const a = K * alpha;
  const c = (1 - alpha) / (a + 1 - alpha);
  const e = x === z ? 1 : 0;
  const bar = xTheta.map((p) => a * p + 1 - alpha);
  const logSum = bar.reduce((sum, b) => sum + Math.log(b), 0);
  const T =
    -(e * c + 1 - e) * (logSum - K * Math.log(bar[z])) -
    (1 - e) * (a / (1 - alpha)) * (Math.log(bar[x]) - Math.log(bar[z])) +
    ((K - 1) * c * e - (1 - e) / c) * Math.log(c);
  return (-1 / a) * (K * (1 / (a * e + 1 - alpha) - 1 / bar[z]) - T);
}

it.each([0.01, 0.2, 0.5, 0.8, 0.99])('at α = %d, for every pair of tokens', (alpha) => {
  for (let x = 0; x < K; x++) {
    for (let z = 0; z < K; z++) {
      const loss = uniformStateLoss(xTheta, x, z, { alpha, oneMinusAlpha: 1 - alpha });
      const expected = published(x, z, alpha);
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(1e-10 * (1 + Math.abs(expected)));
      expect(loss).toBeGreaterThan(0);
    }
  }
});

it('keeps its digits as α → 0, where it falls in proportion to α', () => {
  const at = (alpha: number) => uniformStateLoss(xTheta, 2, 5, { alpha, oneMinusAlpha: 1 - alpha }) / alpha;
  expect(at(1e-14) / at(1e-12)).toBeCloseTo(1, 9);
});

it('is 0 for the model that is certain of x', () => {
  const certain = new Float64Array(K);
  certain[4] = 1;
  for (const z of [4, 7]) {
    expect(uniformStateLoss(certain, 4, z, { alpha: 0.3, oneMinusAlpha: 0.7 })).toBeCloseTo(0, 12);
  }
});
