import { describe, expect, it } from 'vitest';
import {
  chiSquare,
  chiSquareLimit,
  type DiffusionFamily,
  independent,
  pairCounts,
  sampled,
} from './closed-form.js';

/** On independent tokens a sampler that draws from posteriors is exact at any number of steps. */
const p = [0.55, 0.25, 0.12, 0.06, 0.02];
const K = p.length;
const pairs = p.flatMap((first) => p.map((second) => first * second));

const psi = (...options: string[]) => ({ sampler: 'psi', options });
const whole = (mode: string) => psi('high-fraction=0', 'middle-fraction=0', `low=${mode}`);
const exact: [DiffusionFamily, { sampler: string; options?: string[] }][] = [
  ['duo', { sampler: 'ancestral' }],
  ['mdlm', { sampler: 'ancestral' }],
  ['d3pm', { sampler: 'ancestral' }],
  ['gidd', { sampler: 'ancestral' }],
  ['mdlm', { sampler: 'ancestral-cache' }],
  ['sedd', { sampler: 'analytic' }],
  ['duo', { sampler: 'dcd', options: ['tail=ancestral'] }],
  ['duo', whole('pure-pc')],
  ['mdlm', whole('pure-pc')],
  ['duo', whole('constant-0.3')],
  ['mdlm', whole('constant-0.3')],
  ['duo', psi('preset=remdm-cap', 'eta=0.5')],
  ['mdlm', psi('preset=remdm-cap', 'eta=0.5')],
  ['duo', psi('preset=remdm-rescale', 'eta=0.5')],
  ['mdlm', psi('preset=remdm-rescale', 'eta=0.5')],
  ['duo', psi('preset=remdm-loop', 'eta=0.05')],
  ['mdlm', psi('preset=remdm-loop', 'eta=0.05')],
  ['mdlm', { sampler: 'confidence', options: ['randomness=1000'] }],
  ['sedd', { sampler: 'confidence', options: ['randomness=1000', 'pace=cosine'] }],
];

describe.each(exact)('%s by %o', (family, how) => {
  it.each([1, 2, 7])(
    'in %d steps: each token as often as it should, whatever its neighbour',
    async (steps) => {
      const samples = await sampled(independent(p, family), {
        ...how,
        steps,
        samples: 3000,
        length: 4,
        seed: 5,
      });
      const counts = new Float64Array(K);
      for (const { tokens } of samples) for (const token of tokens) counts[token]++;
      expect(chiSquare(counts, p)).toBeLessThan(chiSquareLimit(K - 1));
      expect(chiSquare(pairCounts(samples, K, 1, 2), pairs)).toBeLessThan(chiSquareLimit(K * K - 1));
    },
  );
});

describe('the limit', () => {
  it.each([
    [4, 23.51],
    [24, 58.61],
  ])('is that of χ² with %d degrees of freedom, within 3%%', (degrees, exactLimit) => {
    expect(Math.abs(chiSquareLimit(degrees) / exactLimit - 1)).toBeLessThan(0.03);
  });

  it('is passed when a token is drawn a little too often', async () => {
    const samples = await sampled(independent([0.52, 0.28, 0.12, 0.06, 0.02], 'mdlm'), {
      sampler: 'ancestral',
      samples: 3000,
    });
    const counts = new Float64Array(K);
    for (const { tokens } of samples) for (const token of tokens) counts[token]++;
    expect(chiSquare(counts, p)).toBeGreaterThan(chiSquareLimit(K - 1));
  });
});
