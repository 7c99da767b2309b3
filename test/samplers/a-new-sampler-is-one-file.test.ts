/** A toy that follows "Add a sampler" of CONTRIBUTING.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFamily, resolveSampler, samplers } from '../../src/samplers/registry.js';
import type { Sampler } from '../../src/samplers/sampler.js';
import { chiSquare, chiSquareLimit, independent, pairCounts, sampled } from './closed-form.js';

// Step 1: the file. It unmasks from left to right, the same number of tokens in each step.
const leftToRight: Sampler = {
  name: 'left-to-right',
  summary: 'Unmasks from left to right.',
  families: ['mdlm'],
  options: { greedy: { default: false, summary: 'Take the most probable tokens.' } },
  async *sample({ tokens, batch, length, steps, maskTokenId, options, denoise }) {
    for (let step = 0; step < steps; step++) {
      const { token } = await denoise({ t: 1 - step / steps, step, greedy: options.greedy === true });
      const end = Math.ceil((length * (step + 1)) / steps);
      for (let b = 0; b < batch; b++)
        for (let i = b * length; i < b * length + end; i++)
          if (tokens[i] === maskTokenId) tokens[i] = token[i];
      yield;
    }
  },
};

// Step 2: the registry.
const registry = samplers as Sampler[];
beforeAll(() => void registry.push(leftToRight));
afterAll(() => void registry.pop());

const p = [0.55, 0.25, 0.12, 0.06, 0.02];

describe('a sampler that is added as CONTRIBUTING.md says', () => {
  it('is found by its name, and offered to the families that it drives', async () => {
    expect((await resolveSampler('left-to-right')).sampler).toBe(leftToRight);
    expect(() => checkFamily(leftToRight, 'mdlm', 'm')).not.toThrow();
    expect(() => checkFamily(leftToRight, 'duo', 'm')).toThrow(/is for mdlm models/);
  });

  // Step 3: exact where theory says so.
  it.each([1, 2, 4])('in %d steps draws independent tokens as often as it should', async (steps) => {
    const request = { sampler: 'left-to-right', steps, samples: 3000, length: 4, seed: 5 };
    const samples = await sampled(independent(p, 'mdlm'), request);
    const counts = new Float64Array(p.length);
    for (const { tokens } of samples) for (const token of tokens) counts[token]++;
    expect(chiSquare(counts, p)).toBeLessThan(chiSquareLimit(p.length - 1));
    const pairs = p.flatMap((first) => p.map((second) => first * second));
    expect(chiSquare(pairCounts(samples, p.length, 1, 2), pairs)).toBeLessThan(chiSquareLimit(24));
  });

  it('takes its options from the command line', async () => {
    const request = { sampler: 'left-to-right', options: ['greedy=true'], steps: 2 };
    const samples = await sampled(independent(p, 'mdlm'), request);
    expect(samples.flatMap(({ tokens }) => Array.from(tokens)).every((token) => token === 0)).toBe(true);
  });

  it('writes samples that do not depend on their batch', async () => {
    const written = async (batch: number) =>
      (await sampled(independent(p, 'mdlm'), { sampler: 'left-to-right', samples: 6, batch })).map(
        ({ tokens }) => Array.from(tokens),
      );
    expect(await written(1)).toEqual(await written(4));
  });
});
