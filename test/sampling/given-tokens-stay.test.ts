import { describe, expect, it } from 'vitest';
import { markovChain } from '../../src/models/sources/markov.js';
import { samplers } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import type { StepState } from '../../src/sampling/generation-plan.js';
import {
  chiSquare,
  chiSquareLimit,
  closedForm,
  type DiffusionFamily,
  planOf,
  sampled,
} from '../samplers/closed-form.js';

const K = 3;
const chain = markovChain([0.6, 0.3, 0.1], [0.1, 0.8, 0.1, 0.05, 0.15, 0.8, 0.85, 0.1, 0.05]);
const given = { tokens: Int32Array.of(2, 0, 1, 0, 0), fixed: Uint8Array.of(1, 0, 1, 0, 1) };
const isThere = (tokens: Int32Array) =>
  given.fixed.every((fixed, l) => !fixed || tokens[l] === given.tokens[l]);

const cases = samplers
  .filter(({ needs }) => !needs)
  .flatMap(({ name, families }) =>
    families
      .filter((family): family is DiffusionFamily => family !== 'ar' && family !== 'bd3lm')
      .map((family) => ({ name, family })),
  );

describe('given tokens', () => {
  it.each(cases)('stay through every step and every call of $name for $family', async ({ name, family }) => {
    const form = closedForm(chain, family);
    const states: Int32Array[] = [];
    const onStep = ({ tokens }: StepState) => states.push(tokens.slice());
    const plan = await planOf(form, { sampler: name, given, length: 5, steps: 5, samples: 1, onStep });
    for await (const [{ tokens }] of generate(plan)) expect(isThere(tokens)).toBe(true);
    // `unmask` ends when nothing is masked: two tokens, one after the other.
    expect(states.length).toBeGreaterThanOrEqual(name === 'unmask' ? 3 : 6);
    expect(states.every(isThere)).toBe(true);
    expect(form.requests.length).toBeGreaterThan(0);
    expect(form.requests.every(({ tokens }) => isThere(tokens))).toBe(true);
  });

  it('condition a masked model exactly: a token between two others, in 3 steps', async () => {
    const fixed = Uint8Array.of(1, 0, 1);
    const samples = await sampled(closedForm(chain, 'mdlm'), {
      sampler: 'ancestral',
      given: { tokens: Int32Array.of(0, 0, 2), fixed },
      length: 3,
      steps: 3,
      samples: 4000,
    });
    const weights = [0, 1, 2].map((v) => chain.transition[v] * chain.transition[v * K + 2]);
    const sum = weights.reduce((a, b) => a + b);
    const counts = new Float64Array(K);
    for (const { tokens } of samples) counts[tokens[1]]++;
    expect(
      chiSquare(
        counts,
        weights.map((w) => w / sum),
      ),
    ).toBeLessThan(chiSquareLimit(K - 1));
  });
});
