import { expect, it } from 'vitest';
import { noiseMasked, noiseUniform } from '../../src/diffusion/forward.js';
import { streams } from '../../src/random/streams.js';
import { fillUniforms } from '../../src/random/uniforms.js';

const n = 400_000;
const K = 7;
const x = Int32Array.from({ length: n }, (_, l) => l % K);
const uniforms = (stream: number) => {
  const out = new Float64Array(n);
  fillUniforms(out, { seed: 11, stream, sequence: 0, step: 0 });
  return out;
};
const component = uniforms(streams.forwardComponent);
const token = uniforms(streams.forwardToken);

/** Within five standard errors of a share of n draws. */
const expectShare = (count: number, of: number, share: number) =>
  expect(Math.abs(count / of - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / of) + 1e-12);

it.each([0.9, 0.35, 0.002])(
  'uniform, 1 − α = %d: each z has the probability α[z = x] + (1−α)/K',
  (oneMinusAlpha) => {
    const z = noiseUniform(new Int32Array(n), x, oneMinusAlpha, K, component, token);
    const counts = new Float64Array(K); // by (z − x) mod K: 0 is «kept»
    for (let l = 0; l < n; l++) counts[(z[l] - x[l] + K) % K]++;
    expectShare(counts[0], n, 1 - oneMinusAlpha + oneMinusAlpha / K);
    for (let d = 1; d < K; d++) expectShare(counts[d], n, oneMinusAlpha / K);
  },
);

it('uniform: the token that replaces does not depend on how narrowly it was replaced', () => {
  const z = noiseUniform(new Int32Array(n), x, 0.5, K, component, token);
  for (const [from, to] of [
    [0, 0.1],
    [0.4, 0.5],
  ]) {
    let replaced = 0;
    let low = 0;
    for (let l = 0; l < n; l++) {
      if (component[l] < from || component[l] >= to) continue;
      replaced++;
      if (z[l] < 3) low++;
    }
    expectShare(low, replaced, 3 / K);
  }
});

it.each([0.9, 0.35, 0.002])(
  'masked, 1 − α = %d: the mask has the probability 1 − α, every other token stays',
  (oneMinusAlpha) => {
    const z = noiseMasked(new Int32Array(n), x, oneMinusAlpha, K, component);
    let masked = 0;
    let moved = 0;
    for (let l = 0; l < n; l++) {
      if (z[l] === K) masked++;
      else if (z[l] !== x[l]) moved++;
    }
    expectShare(masked, n, oneMinusAlpha);
    expect(moved).toBe(0);
  },
);

it('nothing happens at α = 1, everything at α = 0', () => {
  expect(noiseUniform(new Int32Array(n), x, 0, K, component, token)).toEqual(x);
  expect(noiseMasked(new Int32Array(n), x, 1, K, component).every((z) => z === K)).toBe(true);
});
